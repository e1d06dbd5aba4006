// Package scripts call systemctl as if a system ran. In a build enable, disable, mask, preset and the like are done, on
// files, by the image's own systemctl (SYSTEMD_OFFLINE of systemd's ENVIRONMENT); what needs a running manager succeeds
// without doing anything, and says so. The stand-in comes first in PATH and is a mount that is gone after the step, so
// systemd itself can be upgraded under it.
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import type { SandboxRun } from "./request.ts";

const STAND_IN_PATH = "/usr/local/bin/systemctl";
/** Where systemd has it, with and without a merged /usr. */
const REAL_PATHS = ["usr/bin/systemctl", "bin/systemctl"];

export const SYSTEMCTL_STAND_IN = `#!/bin/sh
verb=
for word; do
  case $word in
  -*) ;;
  *) verb=$word; break ;;
  esac
done
case $verb in
start | stop | restart | try-restart | condrestart | reload | force-reload | reload-or-restart | \\
  try-reload-or-restart | reload-or-try-restart | isolate | kill | clean | freeze | thaw | set-property | \\
  daemon-reload | daemon-reexec | is-active | is-failed | is-system-running | reset-failed)
  echo "slipway: no system runs in a build, nothing done for: systemctl $*" >&2
  exit 0
  ;;
esac
count=$#
while [ "$count" -gt 0 ]; do
  [ "$1" = --now ] || set -- "$@" "$1"
  shift
  count=$((count - 1))
done
SYSTEMD_OFFLINE=1
export SYSTEMD_OFFLINE
for real in /usr/bin/systemctl /bin/systemctl; do
  [ ! -x "$real" ] || exec "$real" "$@"
done
echo "slipway: systemctl is gone" >&2
exit 127
`;

/** The same run in a build's circumstances: no manager runs. The stand-in is there when the root has a systemctl. */
export async function withoutManager(run: SandboxRun): Promise<SandboxRun> {
  const found = await Promise.all(REAL_PATHS.map((path) => lstat(join(run.root, path)).catch(() => undefined)));
  const standIn = {
    type: "file",
    target: STAND_IN_PATH,
    content: Buffer.from(SYSTEMCTL_STAND_IN),
    mode: 0o755,
    uid: 0,
    gid: 0,
  } as const;
  return {
    ...run,
    env: { SYSTEMD_OFFLINE: "1", ...run.env },
    mounts: found.some((each) => each !== undefined) ? [standIn, ...run.mounts] : run.mounts,
  };
}

/** Where builds must work too: as an ordinary user with subordinate ids, with one id only, and inside a container. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./tools.ts";

const USER_ID = 7777;
const NAME = "slipway-builder";
const HOME = "home-of-builder";

/**
 * A prefix that runs a command as a user who is on no machine: with `ids` subordinate ids, or none. /etc is changed in a
 * mount namespace of the command's own. Everything below `folder` becomes the user's.
 */
export async function asUser(folder: string, ids: number = 65_536): Promise<string[]> {
  const home = join(folder, HOME);
  mkdirSync(home, { recursive: true });
  const etc = (name: string): string => join(home, name);
  const { stdout: passwd } = await run("cat", ["/etc/passwd"]);
  writeFileSync(etc("passwd"), `${passwd}${NAME}:x:${USER_ID}:${USER_ID}::${home}:/bin/sh\n`);
  const { stdout: group } = await run("cat", ["/etc/group"]);
  writeFileSync(etc("group"), `${group}${NAME}:x:${USER_ID}:\n`);
  const range = ids === 0 ? "" : `${NAME}:300000:${ids}\n`;
  for (const name of ["subuid", "subgid"]) writeFileSync(etc(name), range);
  await run("chown", ["-R", "-h", `${USER_ID}:${USER_ID}`, folder]);
  await run("chmod", ["u+rwx,a+x", folder]);
  const mounts = ["passwd", "group", "subuid", "subgid"].map(
    (name) => `touch /etc/${name}; mount --bind ${etc(name)} /etc/${name}`,
  );
  const user = `setpriv --reuid=${USER_ID} --regid=${USER_ID} --clear-groups`;
  const environment = `env HOME=${home} USER=${NAME} XDG_RUNTIME_DIR= TMPDIR=${home}`;
  return ["unshare", "--mount", "sh", "-ec", `${mounts.join("\n")}\nexec ${user} ${environment} "$@"`, "sh"];
}

/** A prefix that runs a command in a container of podman with default options; `folders` are there under their paths. */
export function inPodman(root: string, folders: readonly string[], storage: string): string[] {
  const volumes = folders.map((folder) => `--volume=${folder}:${folder}`);
  const places = [`--root=${join(storage, "graph")}`, `--runroot=${join(storage, "run")}`, "--runtime=runc"];
  // Limits as they are: raising them takes a capability that machines of tests may lack.
  const limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"];
  return ["podman", ...places, "--cgroup-manager=cgroupfs", "run", "--rm", ...limits, ...volumes, "--rootfs", root];
}

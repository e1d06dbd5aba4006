// The arguments of a run: what the set-up script mounts, and the command with the privileges it keeps.
import { BuildError } from "../error.ts";
import { registerLine } from "./binfmt.ts";
import type { SandboxMount, SandboxRun } from "./request.ts";

/** What OCI runtimes leave to a container's root. */
const CAPABILITIES =
  "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+net_bind_service,+setfcap,+setgid,+setpcap,+setuid,+sys_chroot";

/** Variables that would act on this machine's programs before the command starts: the loader's and the locale's. */
const FOR_THE_LOADER = /^(LD_|GLIBC_TUNABLES$|GCONV_PATH$|LOCPATH$|NLSPATH$)/;

/** Names that mean something to a shell, to its locale or to the set-up, or are no names to it. */
const FOR_THE_SHELL =
  /^(?![A-Za-z_]\w*$)|^(_|BASH.*|CDPATH|ENV|E?UID|FUNCNAME|GROUPS|HIST.*|IFS|LANG.*|LC_.*|LINENO|MAIL.*|OPT.*|PATH|POSIXLY_CORRECT|PPID|PS\d|(OLD)?PWD|RANDOM|SECONDS|SHELLOPTS|SHLVL|(slipway|SLIPWAY)_.*)$/;
/** What the set-up has in its environment, with all shells. */
const SETUP_VARIABLES = ["PATH", "LC_ALL", "PWD", "OLDPWD", "SHLVL", "_"];

export interface HostPrograms {
  readonly env: string;
  readonly setpriv: string;
  readonly unshare: string;
}

/** New namespaces for the run, and process 1 that dies with the process which starts it. */
export function unshareArguments(run: Pick<SandboxRun, "network">): string[] {
  const network = run.network === "none" ? ["--net"] : [];
  const namespaces = ["--mount", "--pid", "--ipc", "--uts", ...network];
  return ["--pdeathsig", "KILL", "unshare", ...namespaces, "--fork", "--kill-child", "--"];
}

/** Arguments of SETUP_SCRIPT. */
export function setupArguments(run: SandboxRun, programs: HostPrograms, oneId: boolean): string[] {
  const { emulator } = run;
  const variables = Object.entries(run.env).flat();
  if ([run.root, run.cwd, ...run.argv, ...variables].some((text) => text.includes("\0"))) {
    throw new BuildError("BAD_VALUE", "cannot run a step with a NUL byte in its command, environment or directory");
  }
  const name = `qemu-${emulator?.architecture}`;
  const binfmt =
    emulator?.handler === "sandbox"
      ? ["binfmt", name, registerLine(name, emulator.architecture, emulator.path, "FPC")]
      : [];
  return [
    run.root,
    run.network,
    ...run.mounts.flatMap(mountArguments),
    ...binfmt,
    "--",
    ...command(run, programs, oneId),
  ];
}

function mountArguments(mount: SandboxMount): string[] {
  if (!mount.target.startsWith("/") || mount.target.includes("\0")) {
    throw new BuildError("BAD_VALUE", `cannot mount on ${JSON.stringify(mount.target)}: want an absolute path`);
  }
  switch (mount.type) {
    case "bind":
      return ["bind", mount.target, mount.source, mount.readonly ? "ro" : "rw"];
    case "tmpfs": {
      const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
      return ["tmpfs", mount.target, ["nosuid,nodev", `mode=${octal(mount.mode ?? 0o1777)}`, ...size].join(",")];
    }
    case "file":
      return ["file", mount.target, String(mount.content.length), octal(mount.mode), `${mount.uid}:${mount.gid}`];
  }
}

/**
 * The environment that the set-up script gets for the command. It exports what a shell can; it is no argument of any
 * process, since those can be read by everybody.
 */
export function setupEnvironment(run: Pick<SandboxRun, "env">): Record<string, string> {
  const plain = Object.entries(run.env).filter(([name]) => !FOR_THE_LOADER.test(name) && !FOR_THE_SHELL.test(name));
  return Object.fromEntries(plain.map((variable, at) => [`SLIPWAY_ENV_${at}`, assignment(variable)]));
}

/**
 * Host programs in a row, each of which becomes the next: the rest of the environment; groups and capabilities; chroot,
 * directory and user. Names without a slash are looked up by the last one, inside the root.
 */
function command(run: SandboxRun, programs: HostPrograms, oneId: boolean): string[] {
  const special = Object.entries(run.env).filter(([name]) => !FOR_THE_LOADER.test(name) && FOR_THE_SHELL.test(name));
  const late = Object.entries(run.env).filter(([name]) => FOR_THE_LOADER.test(name));
  const unset = SETUP_VARIABLES.flatMap((name) => ["-u", name]);
  const environment = [programs.env, ...unset, "--", ...special.map(assignment)];
  const ids = run.groups.length === 0 ? ["--clear-groups"] : ["--groups", run.groups.join(",")];
  const groups = oneId ? ["--keep-groups"] : ids;
  const bounds = ["--inh-caps=-all", `--bounding-set=${CAPABILITIES}`];
  const setpriv = [programs.setpriv, `--regid=${run.gid}`, ...groups, ...bounds, "--"];
  const unshare = [programs.unshare, "--root=.", `--wd=${run.cwd}`, `--setuid=${run.uid}`, "--"];
  // The image's own env sets what this machine's programs must not see.
  const loader = late.length === 0 ? [] : ["env", ...late.map(assignment)];
  return [...environment, ...setpriv, ...unshare, ...loader, ...run.argv];
}

function assignment([name, value]: readonly [string, string]): string {
  return `${name}=${value}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

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
const FOR_THE_SHELL = new RegExp(
  [
    /^(?![A-Za-z_]\w*$)/,
    /^(_|IFS|PATH|PS\d|(OLD)?PWD|SHLVL|SHELLOPTS|CDPATH|ENV|LINENO|PPID|E?UID|GROUPS|RANDOM|SRANDOM|SECONDS)$/,
    /^(BASH(OPTS|PID|_\w+)?|COMP_\w+|COPROC|DIRSTACK|EPOCH\w+|FUNCN(AME|EST)|GLOBIGNORE|POSIXLY_CORRECT|TIMEFORMAT|TMOUT)$/,
    /^(HIST(CMD|CONTROL|FILE|FILESIZE|IGNORE|SIZE|TIMEFORMAT)|MAIL(CHECK|PATH)?|OPT(ARG|ERR|IND)|LANG(UAGE)?|LC_\w+)$/,
    /^(slipway|SLIPWAY)_/,
  ]
    .map(({ source }) => source)
    .join("|"),
);

/** Of one argument or variable: 32 pages and no NUL (MAX_ARG_STRLEN in Linux's binfmts.h). */
const MAX_ARGUMENT_BYTES = 131_071;

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

/** Arguments of SETUP_SCRIPT; `own` is an empty directory. Throws BuildError BAD_VALUE. */
export function setupArguments(run: SandboxRun, own: string, programs: HostPrograms, oneId: boolean): string[] {
  const { emulator } = run;
  const variables = Object.entries(run.env).map(assignment);
  for (const text of [run.root, run.cwd, ...run.argv, ...variables]) {
    if (text.includes("\0"))
      throw new BuildError("BAD_VALUE", "cannot run a step with a NUL byte in its command, environment or directory");
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_ARGUMENT_BYTES)
      throw new BuildError(
        "LIMIT",
        `cannot run a step with ${bytes} bytes in one argument or variable (${JSON.stringify(text.slice(0, 40))}…): Linux takes ${MAX_ARGUMENT_BYTES}`,
        { hint: "Write it to a file with COPY <<EOF, or begin a heredoc of RUN with #!" },
      );
  }
  const name = `qemu-${emulator?.architecture}`;
  const binfmt =
    emulator?.handler === "sandbox"
      ? ["binfmt", name, registerLine(name, emulator.architecture, emulator.path, "FPC")]
      : [];
  return [
    run.root,
    own,
    run.network,
    programs.env,
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
 * The environment that the set-up script gets for the command. It exports what a shell can, and gives env(1) the rest;
 * no value is an argument of a process that lives as long as the step, since those can be read by everybody.
 */
export function setupEnvironment(run: Pick<SandboxRun, "env">): Record<string, string> {
  const variables = Object.entries(run.env).filter(([name]) => !FOR_THE_LOADER.test(name));
  const plain = variables.filter(([name]) => !FOR_THE_SHELL.test(name));
  const odd = variables.filter(([name]) => FOR_THE_SHELL.test(name));
  return Object.fromEntries([
    ...plain.map((variable, at) => [`SLIPWAY_ENV_${at}`, assignment(variable)]),
    ...odd.map((variable, at) => [`SLIPWAY_ODD_${at}`, assignment(variable)]),
  ]);
}

/**
 * Host programs in a row, each of which becomes the next: groups and capabilities; chroot, directory and user. Names
 * without a slash are looked up by the last one, inside the root.
 */
function command(run: SandboxRun, programs: HostPrograms, oneId: boolean): string[] {
  const late = Object.entries(run.env).filter(([name]) => FOR_THE_LOADER.test(name));
  const ids = run.groups.length === 0 ? ["--clear-groups"] : ["--groups", run.groups.join(",")];
  const groups = oneId ? ["--keep-groups"] : ids;
  const bounds = ["--inh-caps=-all", `--bounding-set=${CAPABILITIES}`];
  const setpriv = [programs.setpriv, `--regid=${run.gid}`, ...groups, ...bounds, "--"];
  const unshare = [programs.unshare, "--root=.", `--wd=${run.cwd}`, `--setuid=${run.uid}`, "--"];
  // The image's own env sets what this machine's programs must not see.
  const loader = late.length === 0 ? [] : ["env", ...late.map(assignment)];
  return [...setpriv, ...unshare, ...loader, ...run.argv];
}

function assignment([name, value]: readonly [string, string]): string {
  return `${name}=${value}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}

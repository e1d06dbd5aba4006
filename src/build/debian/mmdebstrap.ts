// mmdebstrap(1): Debian packages to a tar of a root file system, without root where user namespaces allow it. The mode is
// always explicit: `auto` may fall back to fakechroot, which cannot run newer systems than the host's.
// The only thing that runs inside the new system besides package scripts is dracut.
import { chmod, readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { ProcessError, run } from "../../base/process/index.ts";
import { DebianBaseError } from "./errors.ts";
import { PATH_FILTERS } from "./packages.ts";
import type { DebianArchitecture, Suite } from "./suites.ts";

export interface BootstrapSpec {
  readonly mode: "root" | "unshare";
  readonly suite: Suite;
  readonly architecture: DebianArchitecture;
  readonly packages: readonly string[];
  /** sources.list(5) lines. */
  readonly sources: readonly string[];
  readonly aptOptions: readonly string[];
  /** A tar that is unpacked over the system before packages are configured. */
  readonly earlyTar: string;
  readonly output: string;
}

/**
 * Makes the initramfs of the one kernel beside its modules. mmdebstrap gives the new root as $1. Device nodes, which only
 * root could put in, come from devtmpfs at boot.
 */
const MAKE_INITRAMFS = `set -eu
for modules in "$1"/usr/lib/modules/*; do
  version=\${modules##*/}
  DRACUT_NO_MKNOD=1 chroot "$1" dracut --quiet --force --kver "$version" "/usr/lib/modules/$version/initramfs.img"
done`;

export function mmdebstrapArguments(spec: BootstrapSpec): string[] {
  return [
    `--mode=${spec.mode}`,
    "--variant=minbase",
    "--format=tar",
    `--architectures=${spec.architecture}`,
    `--include=${spec.packages.join(",")}`,
    ...PATH_FILTERS.map((filter) => `--dpkgopt=${filter}`),
    ...spec.aptOptions.map((option) => `--aptopt=${aptOptionLine(option)}`),
    // The hook is split like a shell line, hence a path of ours without blanks.
    `--essential-hook=tar-in ${spec.earlyTar} /`,
    `--customize-hook=${MAKE_INITRAMFS}`,
    spec.suite,
    spec.output,
    ...spec.sources,
  ];
}

/** "Key=value", as apt's -o takes it, to a line of apt.conf(5); such lines pass as they are. */
function aptOptionLine(option: string): string {
  if (option.trimEnd().endsWith(";") || option.trimEnd().endsWith("}")) return option;
  const equals = option.indexOf("=");
  if (equals <= 0 || option.includes('"')) {
    throw new DebianBaseError("BAD_OPTION", `cannot use apt option ${JSON.stringify(option)}: want Key=value`);
  }
  return `${option.slice(0, equals)} "${option.slice(equals + 1)}";`;
}

/**
 * As root, mmdebstrap mounts /proc, /sys and devices into the new system: in namespaces of their own those go away with it,
 * and so does every process, however it ends. Without root it makes such namespaces itself.
 */
function contained(spec: BootstrapSpec): [string, ...string[]] {
  const command = ["mmdebstrap", ...mmdebstrapArguments(spec)] as const;
  // timeout(1), without a limit, passes the signal that ends it to the whole process group.
  if (spec.mode === "unshare") return ["setpriv", "--pdeathsig", "TERM", "timeout", "0", ...command];
  return ["setpriv", "--pdeathsig", "KILL", "unshare", ...NAMESPACES, ...command];
}

const NAMESPACES = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];

/** Throws NOT_INSTALLED, BOOTSTRAP_FAILED with the end of mmdebstrap's report. */
export async function bootstrap(
  spec: BootstrapSpec,
  options: { readonly sourceDateEpoch: number; readonly tempDirectory: string; readonly signal?: AbortSignal },
): Promise<void> {
  try {
    await run("mmdebstrap", ["--version"], { installHint: "Install mmdebstrap" });
    const [command, ...args] = contained(spec);
    await run(command, args, {
      env: {
        SOURCE_DATE_EPOCH: String(options.sourceDateEpoch),
        TMPDIR: options.tempDirectory,
        LC_ALL: "C.UTF-8",
        // Packages would each make an initramfs; ours is made once, at the end.
        INITRD: "No",
      },
      installHint: "Install util-linux",
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  } catch (error) {
    if (error instanceof ProcessError && error.code === "ABORTED") {
      throw new ProcessError("ABORTED", "mmdebstrap was interrupted", { cause: error });
    }
    if (!(error instanceof ProcessError) || error.code !== "FAILED") throw error;
    throw new DebianBaseError("BOOTSTRAP_FAILED", `cannot install ${spec.suite} with mmdebstrap: ${messageOf(error)}`, {
      cause: error,
      ...hintFor(messageOf(error)),
    });
  }
}

function hintFor(message: string): { hint?: string } {
  if (/Release file .*(expired|no longer valid)|is expired/.test(message)) {
    return {
      hint: "Add --apt-option Acquire::Check-Valid-Until=false if an old state of the archive is what you want",
    };
  }
  if (/Unable to locate package/.test(message)) return { hint: "Check the names given to --include" };
  return {};
}

const WANTED_IDS = 65_536;

/** `root` for root, else `unshare` if this user may have a user namespace. Throws NO_USER_NAMESPACES. */
export async function chooseMode(): Promise<"root" | "unshare"> {
  const { uid, username } = userInfo();
  if (uid === 0) return "root";
  const problems: string[] = [];
  for (const path of ["/etc/subuid", "/etc/subgid"]) {
    const found = largestRange(await readFile(path, "utf8").catch(() => ""), username, uid);
    if (found < WANTED_IDS)
      problems.push(`${path} gives ${username} ${found === 0 ? "no ids" : `${found} ids`}, not ${WANTED_IDS}`);
  }
  for (const program of ["/usr/bin/newuidmap", "/usr/bin/newgidmap"]) {
    if (
      !(await stat(program).then(
        () => true,
        () => false,
      ))
    )
      problems.push(`${program} is missing (package uidmap)`);
  }
  if (problems.length === 0) return "unshare";
  throw new DebianBaseError("NO_USER_NAMESPACES", `cannot install a system without root: ${problems.join("; ")}`, {
    hint: `As root: apt-get install uidmap && usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`,
  });
}

/**
 * Lets the users of a namespace, who are strangers to the host, pass through our directory (0711). Throws
 * NO_USER_NAMESPACES when a directory above it keeps them out.
 */
export async function openToNamespace(path: string): Promise<void> {
  await chmod(path, 0o711);
  for (let above = dirname(path); above !== dirname(above); above = dirname(above)) {
    if (((await stat(above)).mode & 0o001) !== 0) continue;
    throw new DebianBaseError(
      "NO_USER_NAMESPACES",
      `cannot install a system below ${path} without root: other users may not enter ${above}`,
      {
        hint: "Let TMPDIR name a directory that everybody may enter, such as /var/tmp",
      },
    );
  }
}

/** Longest range of subuid(5) for a user, who is named by name or number. */
export function largestRange(text: string, username: string, uid: number): number {
  const counts = text.split("\n").flatMap((line) => {
    const [owner, , count] = line.split(":");
    return owner === username || owner === String(uid) ? [Number(count)] : [];
  });
  return Math.max(0, ...counts.filter(Number.isSafeInteger));
}

const DEBIAN_NAMES: Readonly<Record<string, DebianArchitecture>> = { x64: "amd64", arm64: "arm64" };

/** The Debian name of this machine's architecture. */
export function hostArchitecture(): DebianArchitecture | undefined {
  return DEBIAN_NAMES[process.arch];
}

/** Programs of another architecture run through binfmt_misc and qemu-user; arch-test knows whether they do. */
export async function assertRunnable(architecture: DebianArchitecture): Promise<void> {
  if (architecture === hostArchitecture()) return;
  try {
    await run("arch-test", [architecture], { installHint: "Install arch-test, qemu-user-static and binfmt-support" });
  } catch (error) {
    if (error instanceof ProcessError && error.code === "NOT_INSTALLED") throw error;
    throw new DebianBaseError("NO_EMULATION", `cannot run ${architecture} programs on this machine (${process.arch})`, {
      cause: error,
      hint: "Install qemu-user-static and binfmt-support, and mount binfmt_misc on /proc/sys/fs/binfmt_misc",
    });
  }
}

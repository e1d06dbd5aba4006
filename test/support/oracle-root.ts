/**
 * Judges newer than this machine's: one Debian trixie below .cache/oracles, made by mmdebstrap when it is first needed and
 * again when what is in it changes. Programs run in it by chroot, as root, with the host's network, over an overlay in
 * mount namespaces of their own: nothing that they write outside the given folders stays, however they end.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { withFileLock } from "../../src/base/io/index.ts";
import type { RunOptions, RunResult } from "../../src/base/process/index.ts";
import { readHostApt } from "../../src/build/debian/host-apt.ts";
import { PATH_FILTERS } from "../../src/build/debian/packages.ts";
import { aptLines, suiteFacts } from "../../src/build/debian/suites.ts";
import { asRoot, findTool, type Requirement, run } from "./tools.ts";

/** Programs of the root; each is the package of this name. */
type OracleProgram = "skopeo" | "buildah" | "ostree" | "cosign" | "oras";

const PROGRAMS: readonly OracleProgram[] = ["skopeo", "buildah", "ostree", "cosign", "oras"];
/** netavark: buildah wants a network back end, if only to be there. */
const PACKAGES = [...PROGRAMS, "ca-certificates", "netavark"];
const SUITE = "trixie";
const DPKG_OPTIONS = [...PATH_FILTERS, "force-unsafe-io"];
const FOLDER = join(dirname(dirname(import.meta.dirname)), ".cache", "oracles");
const ENTER = join(import.meta.dirname, "enter-oracle-root.sh");
/** What is mounted in there, and with ALONE every process, ends with the program, and the program with us. */
const UNSHARE = ["--pdeathsig", "KILL", "unshare", "--mount"];
const ALONE = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const HALF_AN_HOUR_MS = 1_800_000;

export const oracleRoot: Requirement = {
  name: "root with mmdebstrap",
  isThere: () => asRoot.isThere() && findTool("mmdebstrap") !== undefined,
};

/** `folders` are there for the program, to write too, under the paths that they have here. */
export interface InOracleRootOptions extends RunOptions {
  readonly folders?: readonly string[];
}

/** Runs a program of the root to its end, in `/` unless `cwd` names one of the folders. */
export async function runNewer(
  program: OracleProgram | "sh",
  argv: readonly string[],
  { folders = [], cwd = "/", ...options }: InOracleRootOptions = {},
): Promise<RunResult> {
  const mounts = ["/dev", "/proc", "/sys", ...folders];
  const inside = ["sh", ENTER, await rootDirectory(), ...mounts, "--", "env", `--chdir=${cwd}`, program, ...argv];
  return await run("setpriv", [...UNSHARE, ...inside], {
    ...options,
    env: { HOME: "/root", ...options.env },
  });
}

let made: Promise<string> | undefined;

/** The root's directory; its name says what is in it, so what is there is whole and right. */
export function rootDirectory(): Promise<string> {
  made ??= makeRoot();
  return made;
}

async function makeRoot(): Promise<string> {
  const recipe = createHash("sha256").update(JSON.stringify([SUITE, PACKAGES, DPKG_OPTIONS]));
  const name = `${SUITE}-${recipe.digest("hex").slice(0, 12)}`;
  const root = join(FOLDER, name);
  if (existsSync(root)) return root;
  await mkdir(FOLDER, { recursive: true });
  return await withFileLock(
    join(FOLDER, ".lock"),
    async () => {
      if (existsSync(root)) return root;
      // Roots of other recipes, and what a killed run left.
      for (const other of await readdir(FOLDER))
        if (other.startsWith(SUITE)) await rm(join(FOLDER, other), { recursive: true });
      await bootstrap(`${root}.partial`);
      await rename(`${root}.partial`, root);
      return root;
    },
    { timeoutMs: HALF_AN_HOUR_MS, staleMs: HALF_AN_HOUR_MS },
  );
}

async function bootstrap(directory: string): Promise<void> {
  const apt = await readHostApt();
  const options = [
    `--include=${PACKAGES.join(",")}`,
    ...DPKG_OPTIONS.map((option) => `--dpkgopt=${option}`),
    ...apt.options.map((option) => `--aptopt=${option}`),
  ];
  const system = ["--mode=root", "--variant=minbase", "--format=directory", ...options, SUITE, directory];
  await run("setpriv", [...UNSHARE, ...ALONE, "mmdebstrap", ...system, ...aptLines(suiteFacts(SUITE), apt)]);
}

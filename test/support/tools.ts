/**
 * What tests against foreign judges share: `oracle` (a test that needs tools which we did not write), `tempDir`, `run`.
 * A missing tool is a visible skip that names what was not proven; with CI set skipped tests fail the run.
 */
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "vitest";
import { run as runProcess, type RunOptions, type RunResult } from "../../src/base/process/index.ts";

/** Something a test cannot do without. A plain string is the name of a program. */
export interface Requirement {
  readonly name: string;
  readonly isThere: () => boolean;
}

export interface OracleOptions {
  /** What stays unproven when the tool is missing, as the end of "not proven: …". */
  readonly proves: string;
  /** Longest run; the project's time-out unless given. */
  readonly timeoutMs?: number;
}

/** Debian keeps judges like e2fsck where an ordinary user's PATH does not look. */
const SEARCH_PATH = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The full path of a program, or undefined. */
export function findTool(tool: string, folders: readonly string[] = SEARCH_PATH): string | undefined {
  return folders
    .map((folder) => join(folder, tool))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export const asRoot: Requirement = { name: "root", isThere: () => process.getuid?.() === 0 };

/** The parts of `needs` that this machine does not have, by name. */
export function missingOf(needs: string | Requirement | readonly (string | Requirement)[]): string[] {
  const list = typeof needs === "string" || "isThere" in needs ? [needs] : needs;
  return list
    .filter((need) => (typeof need === "string" ? findTool(need) === undefined : !need.isThere()))
    .map((need) => (typeof need === "string" ? need : need.name));
}

/**
 * A test that a foreign tool decides:
 *
 *   oracle("e2fsck", "accepts an empty file system", async () => { … }, { proves: "our ext4 is consistent" });
 */
export function oracle(
  needs: string | Requirement | readonly (string | Requirement)[],
  name: string,
  body: () => unknown,
  options: OracleOptions,
): void {
  const missing = missingOf(needs);
  const label =
    missing.length === 0 ? name : `${name} [SKIPPED: ${missing.join(", ")} missing; not proven: ${options.proves}]`;
  const limits = options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs };
  test.skipIf(missing.length > 0)(label, limits, async () => {
    await body();
  });
}

/** A folder that goes away with the scope: `using folder = tempDir();`. */
export interface TempFolder extends Disposable {
  readonly path: string;
  /** A path below the folder; nothing is created. */
  readonly join: (...parts: string[]) => string;
}

export function tempDir(): TempFolder {
  const path = mkdtempSync(join(tmpdir(), "slipway-test-"));
  return {
    path,
    join: (...parts) => join(path, ...parts),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** `run` of src/base/process in a plain locale, with the folders for system programs in PATH. */
export function run(command: string, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const env = { LC_ALL: "C.UTF-8", TZ: "UTC", PATH: SEARCH_PATH.join(delimiter), ...options.env };
  return runProcess(command.includes("/") ? command : (findTool(command) ?? command), argv, { ...options, env });
}

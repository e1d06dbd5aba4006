/**
 * `slipway` as a user runs it: a process of its own, from the clone. Each test names its store; the Debian image that
 * many tests share is made once, into .cache/test-store, and made again when the recipe changes.
 */
import type { ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { withFileLock } from "../../src/base/io/index.ts";
import { start, waitFor } from "../../src/base/process/index.ts";

const root: string = dirname(dirname(import.meta.dirname));
const SLIPWAY: string = join(root, "bin", "slipway.cjs");
export const SHARED_STORE: string = join(root, ".cache", "test-store");

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SlipwayOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Prefix command, such as setpriv with its options. */
  readonly under?: readonly string[];
  /** kill -9 for the whole process group: bin/slipway.cjs runs the program as a child, which must not live on. */
  readonly killAfterMs?: number;
}

/** Runs a command to its end; a signal counts as exit code -1. */
export async function slipway(args: readonly string[], options: SlipwayOptions = {}): Promise<Outcome> {
  const argv = [...(options.under ?? []), process.execPath, SLIPWAY, ...args];
  const child = start(argv[0] ?? process.execPath, argv.slice(1), {
    cwd: options.cwd ?? root,
    env: { ...process.env, SLIPWAY_STORE: SHARED_STORE, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: options.killAfterMs !== undefined,
  });
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const timer = options.killAfterMs === undefined ? undefined : setTimeout(() => killGroup(child), options.killAfterMs);
  const exitCode = await waitFor(child, "slipway").catch(() => -1);
  clearTimeout(timer);
  return { exitCode, stdout, stderr };
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

/** Runs a command that has to succeed and returns what `--json` printed. */
export async function slipwayJson<T>(args: readonly string[], options: SlipwayOptions = {}): Promise<T> {
  const outcome = await slipway([...args, "--json"], options);
  if (outcome.exitCode !== 0)
    throw new Error(`slipway ${args.join(" ")} exited with ${outcome.exitCode}:\n${outcome.stderr}`);
  return JSON.parse(outcome.stdout) as T;
}

/** The Debian image of a suite in the shared store, made when it is not there yet; returns its name. */
export async function debianImage(
  suite: "trixie" | "bookworm" | "forky",
  extra: readonly string[] = [],
): Promise<string> {
  const name = `debian:${suite}${extra.length === 0 ? "" : `-${createHash("sha256").update(extra.join(" ")).digest("hex").slice(0, 8)}`}`;
  const stamp = join(SHARED_STORE, `${name.replaceAll(/[/:]/g, "_")}.stamp`);
  const recipe = recipeDigest();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === recipe) return name;
  mkdirSync(SHARED_STORE, { recursive: true });
  rmSync(stamp, { force: true });
  // Two test files may want the same image at once.
  return await withFileLock(
    `${stamp}.lock`,
    async () => {
      if (existsSync(stamp)) return name;
      await slipwayJson(["base", "debian", "--suite", suite, ...extra, "-t", name]);
      writeFileSync(stamp, recipe);
      return name;
    },
    { timeoutMs: 1_800_000, staleMs: 1_800_000 },
  );
}

/** Changes with every source that shapes the image. */
function recipeDigest(): string {
  const hash = createHash("sha256");
  const folder = join(root, "src", "build", "debian");
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (name.endsWith(".ts") && !name.endsWith(".test.ts")) hash.update(name).update(readFileSync(join(folder, name)));
  }
  return hash.digest("hex");
}

// The one place that starts programs. Arguments are lists, never a shell line; output is capped; a missing program and
// a failing one are told apart.
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { SlipwayError, systemErrorCode } from "../errors.ts";

export class ProcessError extends SlipwayError<"NOT_INSTALLED" | "FAILED" | "TIMED_OUT" | "ABORTED"> {}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to the environment of this process; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: Uint8Array | string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Exit codes that are not failures; [0] unless told otherwise. */
  readonly allowExit?: readonly number[];
  /** Longest output kept of each stream, the tail wins; 16 MiB unless told otherwise. */
  readonly maxOutputBytes?: number;
  /** Called with each chunk of standard error, for progress. */
  readonly onStderr?: (chunk: Uint8Array) => void;
  /** What installs the program, for the hint of NOT_INSTALLED. */
  readonly installHint?: string;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Runs a program to its end. Throws ProcessError unless it exits with an allowed code. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = start(command, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stdout = new Tail(options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES);
  const stderr = new Tail(options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES);
  child.stdout?.on("data", (chunk: Uint8Array) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Uint8Array) => {
    stderr.push(chunk);
    options.onStderr?.(chunk);
  });
  // A program that does not read its input closes the pipe; its exit code tells the story.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(options.input);
  const exitCode = await waitFor(child, command, options);
  if (!(options.allowExit ?? [0]).includes(exitCode)) {
    const tail = stderr.text().trim().split("\n").slice(-12).join("\n");
    throw new ProcessError("FAILED", `${command} ${args.join(" ").slice(0, 200)} exited with ${exitCode}:\n${tail}`, {
      data: { command, exitCode },
    });
  }
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

/** Starts a program; the caller owns its streams and its end. */
export function start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  // Most commands start none, and loading it takes 5 ms.
  const { spawn } = process.getBuiltinModule("node:child_process");
  return spawn(command, args, { ...options, shell: false });
}

/** Resolves with the exit code (128 + n is not used: a signal is a failure), kills on time-out and abort. */
export function waitFor(
  child: ChildProcess,
  command: string,
  options: Pick<RunOptions, "timeoutMs" | "signal" | "installHint"> = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    let reason: ProcessError | undefined;
    const stop = (error: ProcessError): void => {
      reason ??= error;
      child.kill("SIGTERM");
      setTimeout(() => child.kill("SIGKILL"), 5000).unref();
    };
    const timer =
      options.timeoutMs === undefined
        ? undefined
        : setTimeout(
            () => stop(new ProcessError("TIMED_OUT", `${command} ran longer than ${options.timeoutMs} ms`)),
            options.timeoutMs,
          );
    const onAbort = (): void => stop(new ProcessError("ABORTED", `${command} was interrupted`));
    if (options.signal?.aborted === true) onAbort();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    const finish = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    };
    child.once("error", (error) => {
      finish();
      reject(systemErrorCode(error) === "ENOENT" ? notInstalled(command, options.installHint, error) : error);
    });
    child.once("close", (code, signal) => {
      finish();
      if (reason !== undefined) reject(reason);
      else if (code === null) reject(new ProcessError("FAILED", `${command} was ended by signal ${signal}`));
      else resolve(code);
    });
  });
}

function notInstalled(command: string, hint: string | undefined, cause: unknown): ProcessError {
  return new ProcessError("NOT_INSTALLED", `cannot run ${command}: it is not installed`, {
    hint: hint ?? `Install the package that brings ${command}`,
    cause,
    data: { command },
  });
}

class Tail {
  readonly #max: number;
  #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size - (this.#chunks[0]?.length ?? 0) >= this.#max) this.#size -= this.#chunks.shift()?.length ?? 0;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}

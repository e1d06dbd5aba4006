// The host's GNU tar, find, rm and touch, run in the build's namespace: only there do files have the owners they should
// have, and only its root may read and remove all of them. Names are passed as NUL-separated lists on standard input.
import { Readable, type Writable } from "node:stream";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { byteStringToBytes, type ByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { start, waitFor } from "../../base/process/index.ts";
import { BuildError } from "../error.ts";

/** What is needed of a sandbox's namespace here: running host programs as its root. */
export interface HostNamespace {
  readonly ids: "all" | "range" | "one";
  enter(program: string, args: readonly string[]): { readonly program: string; readonly args: readonly string[] };
}

export interface ToolOptions {
  readonly input?: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  readonly onOutput?: (chunk: Buffer) => void;
  /** File descriptor that standard output goes to. */
  readonly stdout?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const MAX_COMPLAINT_CHARS = 4000;

/** Runs a program of the host in the namespace. Throws BuildError SANDBOX with what it says, ProcessError. */
export async function runTool(
  namespace: HostNamespace,
  program: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<void> {
  const entered = namespace.enter(program, args);
  const child = start(entered.program, entered.args, {
    // Options of the user's own would change what tar does.
    env: { ...process.env, LC_ALL: "C", TAR_OPTIONS: undefined, POSIXLY_CORRECT: undefined, ...options.env },
    stdio: [options.input === undefined ? "ignore" : "pipe", options.stdout ?? "pipe", "pipe"],
    // Ctrl-C of a terminal must not end it before its work directory is cleaned.
    detached: true,
  });
  let complaint = "";
  child.stdout?.on("data", (chunk: Buffer) => options.onOutput?.(chunk));
  child.stderr?.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString("latin1")).slice(-MAX_COMPLAINT_CHARS);
  });
  const exit = waitFor(child, program, {
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    installHint: `Install ${program}`,
  });
  const feeding = options.input === undefined ? Promise.resolve() : feed(child.stdin as Writable, options.input);
  const [ended, fed] = await Promise.allSettled([exit, feeding]);
  // What the input could not give is the cause of what the program says.
  if (fed.status === "rejected") throw fed.reason;
  if (ended.status === "rejected") throw ended.reason;
  if (ended.value !== 0) throw toolError(program, ended.value, complaint.trim());
}

const HINTS: readonly { readonly pattern: RegExp; readonly hint: (program: string) => string }[] = [
  {
    pattern: /unrecognized option|unknown predicate|invalid option/,
    hint: (program) => `Install the GNU version of ${program}`,
  },
  {
    pattern: /No space left|Disk quota exceeded/,
    hint: () => "Free space in the store, or name another one with --store",
  },
  {
    pattern: /Cannot change ownership/,
    hint: () =>
      "The image has owners that this user's ids in /etc/subuid do not reach: add more of them, or build as root",
  },
];

function toolError(program: string, exitCode: number, complaint: string): BuildError {
  const hint = HINTS.find(({ pattern }) => pattern.test(complaint))?.hint(program);
  return new BuildError("SANDBOX", `cannot work on the root of a step: ${program} says ${complaint.slice(0, 1000)}`, {
    ...(hint === undefined ? {} : { hint }),
    data: { program, exitCode },
  });
}

/** A program that ends early closes its input, ECONNRESET when some of it was not read: its exit code tells the story. */
async function feed(stdin: Writable, input: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
  try {
    await pipeline(Readable.from(input, { objectMode: false }), stdin);
  } catch (error) {
    if (!["EPIPE", "ECONNRESET", "ERR_STREAM_PREMATURE_CLOSE"].includes(systemErrorCode(error) ?? "")) throw error;
  }
}

/**
 * Where a path is on this machine. A name that is no UTF-8 cannot be an argument of a program: as text it would be
 * another name, which may lead anywhere. Throws BuildError UNSUPPORTED.
 */
export function hostPath(directory: string, path: ByteString): string {
  const text = Buffer.from(path, "latin1").toString("utf8");
  if (utf8ToByteString(text) === path) return join(directory, text);
  throw new BuildError("UNSUPPORTED", `cannot use ${JSON.stringify(`/${text}`)} of the image: its name is no UTF-8`, {
    hint: "Rename it",
  });
}

/** Paths below the tool's directory, each ended by NUL. */
export function* nameList(paths: Iterable<ByteString>, prefix: string = "./"): Generator<Uint8Array> {
  let text = "";
  for (const path of paths) {
    text += `${prefix}${path}\0`;
    if (text.length < 65536) continue;
    yield byteStringToBytes(text);
    text = "";
  }
  yield byteStringToBytes(text);
}

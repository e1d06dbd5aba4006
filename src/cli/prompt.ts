// Questions to whoever sits at the terminal, on standard error: standard output is for results. Secrets are not echoed.
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { SlipwayError } from "../base/errors.ts";

export class PromptError extends SlipwayError<"NO_TERMINAL" | "ABORTED" | "TOO_LONG"> {}

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: { readonly isTTY?: boolean; write(text: string): unknown };
}

const MAX_STDIN_BYTES = 64 * 1024;

export function isInteractive({ input, output }: Terminal = processTerminal()): boolean {
  return input.isTTY === true && output.isTTY === true;
}

export interface AskOptions {
  readonly isSecret?: boolean;
  /** What to do without a terminal, for the hint. */
  readonly instead: string;
  /** Ends the question: Ctrl-C as the process hears it. */
  readonly signal?: AbortSignal;
  readonly terminal?: Terminal;
}

/** Throws PromptError NO_TERMINAL with `instead` as hint, ABORTED on Ctrl-C and Ctrl-D. */
export function ask(question: string, options: AskOptions): Promise<string> {
  const terminal = options.terminal ?? processTerminal();
  if (!isInteractive(terminal)) {
    const what = question.replace(/:\s*$/, "").toLowerCase();
    const message = `cannot ask for the ${what}: standard input or standard error is no terminal`;
    throw new PromptError("NO_TERMINAL", message, { hint: options.instead });
  }
  return new Promise((resolve, reject) => {
    // With `terminal`, readline reads keys and echoes them itself, to a place where nobody sees them.
    const output = new Writable({
      write(chunk: Uint8Array, _encoding, done) {
        if (options.isSecret !== true) terminal.output.write(Buffer.from(chunk).toString("utf8"));
        done();
      },
    });
    const lines = createInterface({ input: terminal.input, output, terminal: true, historySize: 0, prompt: question });
    // Only now does the terminal not echo any more. Readline's own prompt would be as invisible as the secret.
    if (options.isSecret === true) terminal.output.write(question);
    else lines.prompt();
    const stop = (): void => lines.close();
    options.signal?.addEventListener("abort", stop, { once: true });
    let answer: string | undefined;
    lines.once("line", (line) => {
      answer = line;
      stop();
    });
    lines.once("SIGINT", stop);
    lines.once("close", () => {
      options.signal?.removeEventListener("abort", stop);
      if (options.isSecret === true || answer === undefined) terminal.output.write("\n");
      if (answer === undefined) reject(new PromptError("ABORTED", "cannot go on: interrupted"));
      else resolve(answer);
    });
  });
}

/** All of standard input without the line break at its end. Throws PromptError TOO_LONG. */
export async function readStdin(input: AsyncIterable<Uint8Array | string> = process.stdin): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk));
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_STDIN_BYTES)
      throw new PromptError("TOO_LONG", `cannot read standard input: more than ${MAX_STDIN_BYTES} bytes`);
  }
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

function processTerminal(): Terminal {
  return { input: process.stdin, output: process.stderr };
}

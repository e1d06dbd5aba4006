// What a RUN prints: secrets masked, line by line to whoever shows it, and its end kept for the explanation of a failure.
import { StringDecoder } from "node:string_decoder";
import type { Mask, Secret } from "../secrets/index.ts";

const TAIL_CHARACTERS = 1024 * 1024;
/** A line that never ends is shown in pieces. */
const LINE_CHARACTERS = 64 * 1024;

type Stream = "stdout" | "stderr";

export class RunOutput {
  readonly #streams: Readonly<Record<Stream, Lines>>;
  readonly #tail: string[] = [];
  #tailLength = 0;

  private constructor(show: (line: string) => void, mask: () => Pick<Mask, "push" | "flush">) {
    const keep = (line: string): void => {
      show(line);
      this.#tail.push(line);
      this.#tailLength += line.length + 1;
      while (this.#tailLength > TAIL_CHARACTERS) this.#tailLength -= (this.#tail.shift()?.length ?? 0) + 1;
    };
    this.#streams = { stdout: new Lines(mask(), keep), stderr: new Lines(mask(), keep) };
  }

  static async open(secrets: readonly Secret[], show: (line: string) => void): Promise<RunOutput> {
    if (secrets.length === 0)
      return new RunOutput(show, () => ({ push: (chunk) => chunk, flush: () => new Uint8Array(0) }));
    const { Mask } = await import("../secrets/index.ts");
    return new RunOutput(show, () => new Mask(secrets));
  }

  push(stream: Stream, chunk: Uint8Array): void {
    this.#streams[stream].push(chunk);
  }

  end(): void {
    this.#streams.stdout.end();
    this.#streams.stderr.end();
  }

  tail(): string {
    return this.#tail.join("\n");
  }
}

class Lines {
  readonly #mask: Pick<Mask, "push" | "flush">;
  readonly #show: (line: string) => void;
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  constructor(mask: Pick<Mask, "push" | "flush">, show: (line: string) => void) {
    this.#mask = mask;
    this.#show = show;
  }

  push(chunk: Uint8Array): void {
    this.#take(this.#decoder.write(Buffer.from(this.#mask.push(chunk))));
  }

  end(): void {
    this.#take(this.#decoder.write(Buffer.from(this.#mask.flush())) + this.#decoder.end());
    if (this.#rest !== "") this.#show(this.#rest);
    this.#rest = "";
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#show(afterReturns(line));
    if (this.#rest.length > LINE_CHARACTERS) {
      this.#show(this.#rest);
      this.#rest = "";
    }
  }
}

/** What a terminal would show in the end of a line that was written over and over. */
function afterReturns(line: string): string {
  const text = line.replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1);
}

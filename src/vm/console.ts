// The guest's serial console: kept as a tail for error messages, passed on to whoever listens.
const MAX_TAIL_CHARACTERS = 64 * 1024;
// oxlint-disable-next-line no-control-regex
const ESCAPES = /\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>c78])|\r/g;

export class Console {
  #text = "";
  #heardMs: number = performance.now();
  readonly #listeners: ((chunk: Uint8Array) => void)[] = [];

  receive(chunk: Uint8Array): void {
    this.#heardMs = performance.now();
    this.#text = (this.#text + Buffer.from(chunk).toString("latin1")).slice(-MAX_TAIL_CHARACTERS);
    for (const listener of this.#listeners) listener(chunk);
  }

  /** Since it last said something. */
  get silentMs(): number {
    return performance.now() - this.#heardMs;
  }

  onData(listener: (chunk: Uint8Array) => void): void {
    this.#listeners.push(listener);
  }

  /** Everything that is kept, without escape sequences. */
  get text(): string {
    return this.#text.replace(ESCAPES, "");
  }

  /** The last lines, for a message. */
  tail(lines = 25): string {
    return this.text
      .split("\n")
      .map((line) => line.trimEnd())
      .filter((line) => line !== "")
      .slice(-lines)
      .join("\n");
  }
}

// The cap on decompression: a stream that grows a thousand times over after its first GiB is a bomb, not a layer.
import { SlipwayError } from "../errors.ts";

export class ExpansionError extends SlipwayError<"EXPANSION_LIMIT"> {}

export interface ExpansionLimits {
  /** Output bytes for each input byte, once `freeBytes` are out. */
  readonly maxRatio: number;
  readonly freeBytes: number;
}

export const EXPANSION_LIMITS: ExpansionLimits = { maxRatio: 1000, freeBytes: 1024 ** 3 };

/** Counts both sides of a decompressor and throws EXPANSION_LIMIT. */
export class ExpansionGuard {
  readonly #limits: ExpansionLimits;
  #inputBytes = 0;
  #outputBytes = 0;

  constructor(limits: ExpansionLimits = EXPANSION_LIMITS) {
    this.#limits = limits;
  }

  get inputBytes(): number {
    return this.#inputBytes;
  }

  get outputBytes(): number {
    return this.#outputBytes;
  }

  addInput(bytes: number): void {
    this.#inputBytes += bytes;
  }

  addOutput(bytes: number): void {
    this.#outputBytes += bytes;
    const { maxRatio, freeBytes } = this.#limits;
    if (this.#outputBytes <= freeBytes || this.#outputBytes - freeBytes <= this.#inputBytes * maxRatio) return;
    throw new ExpansionError(
      "EXPANSION_LIMIT",
      `${this.#inputBytes} compressed bytes have become ${this.#outputBytes}: more than ${maxRatio} : 1 after the first ${freeBytes} bytes`,
      {
        hint: "Raise the limit with --max-expansion if you trust this input",
        data: { inputBytes: this.#inputBytes, outputBytes: this.#outputBytes },
      },
    );
  }

  /** The input on its way into the decompressor. */
  async *countInput(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of input) {
      this.addInput(chunk.length);
      yield chunk;
    }
  }
}

// The cap on decompression: a stream that grows a thousand times over after its first GiB is a bomb, not a layer.
import { SlipwayError } from "../errors.ts";

export class ExpansionError extends SlipwayError<"EXPANSION_LIMIT"> {}

export interface ExpansionLimits {
  /** Output bytes for each input byte, once `freeBytes` are out. */
  readonly maxRatio: number;
  readonly freeBytes: number;
}

export const EXPANSION_LIMITS: ExpansionLimits = { maxRatio: 1000, freeBytes: 1024 ** 3 };

/** Throws EXPANSION_LIMIT. */
export function assertExpansion(inputBytes: number, outputBytes: number, limits: ExpansionLimits): void {
  const { maxRatio, freeBytes } = limits;
  if (outputBytes <= freeBytes || outputBytes - freeBytes <= inputBytes * maxRatio) return;
  throw new ExpansionError(
    "EXPANSION_LIMIT",
    `${inputBytes} compressed bytes have become ${outputBytes}: more than ${maxRatio} : 1 after the first ${freeBytes} bytes`,
    { hint: "Raise the limit with --max-expansion if you trust this input", data: { inputBytes, outputBytes } },
  );
}

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
    assertExpansion(this.#inputBytes, this.#outputBytes, this.#limits);
  }

  /** The input on its way into the decompressor. */
  async *countInput(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of input) {
      this.addInput(chunk.length);
      yield chunk;
    }
  }
}

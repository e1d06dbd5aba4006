// Tells where the end of a text may be the beginning of a pattern, however many patterns there are.
import type { Pattern } from "./forms.ts";

/** No pattern is shorter. */
const KEY_LENGTH = 8;

export class Prefixes {
  /** By the first eight characters. */
  readonly #byKey = new Map<string, string[]>();
  /** The same eight, sorted. */
  readonly #keys: readonly string[];

  constructor(patterns: readonly Pattern[]) {
    for (const { bytes } of patterns) {
      const text = Buffer.from(bytes).toString("latin1");
      const key = text.slice(0, KEY_LENGTH);
      const others = this.#byKey.get(key);
      if (others === undefined) this.#byKey.set(key, [text]);
      else others.push(text);
    }
    this.#keys = [...this.#byKey.keys()].sort();
  }

  /** The first place from which on the text begins a pattern that goes on behind its end; its length when there is none. */
  unfinishedFrom(text: string): number {
    for (let at = 0; at < text.length; at++) {
      const isCut = text.length - at < KEY_LENGTH ? this.#beginsKey(text.slice(at)) : this.#isCut(text, at);
      if (isCut) return at;
    }
    return text.length;
  }

  #isCut(text: string, at: number): boolean {
    const patterns = this.#byKey.get(text.slice(at, at + KEY_LENGTH));
    if (patterns === undefined) return false;
    const rest = text.slice(at);
    return patterns.some((pattern) => pattern.length > rest.length && pattern.startsWith(rest));
  }

  #beginsKey(start: string): boolean {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] as string) < start) low = middle + 1;
      else high = middle;
    }
    return this.#keys[low]?.startsWith(start) === true;
  }
}

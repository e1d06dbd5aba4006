// Changes of one thing, one after the other.

export class Serial {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `action` when all earlier actions of the same key are over. */
  async run<T>(key: string, action: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return await action();
    })();
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }
}

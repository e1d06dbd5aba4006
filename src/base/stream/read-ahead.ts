// Keeps the next chunks of a stream coming while the caller works on the present one.

/** `input`, with up to `depth` chunks requested before they are asked for. Chunks must not be reused by the input. */
export async function* readAhead<T>(input: AsyncIterable<T>, depth: number): AsyncGenerator<T> {
  const iterator = input[Symbol.asyncIterator]();
  const pending: Promise<IteratorResult<T>>[] = [];
  const request = (): void => {
    const next = iterator.next();
    // Errors are seen when their turn comes, or never when the caller leaves before.
    next.catch(() => undefined);
    pending.push(next);
  };
  try {
    for (let index = 0; index < depth; index++) request();
    for (;;) {
      const result = await (pending.shift() as Promise<IteratorResult<T>>);
      if (result.done === true) return;
      request();
      yield result.value;
    }
  } finally {
    await Promise.allSettled(pending);
    await iterator.return?.();
  }
}

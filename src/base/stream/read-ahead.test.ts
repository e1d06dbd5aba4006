import { describe, expect, it } from "vitest";
import { readAhead } from "./read-ahead.ts";

describe("readAhead", () => {
  it("gives the same values, and asks for the next ones early", async () => {
    let asked = 0;
    async function* numbers(): AsyncGenerator<number> {
      for (let value = 0; value < 5; value++) {
        asked++;
        yield await Promise.resolve(value);
      }
    }
    const seen: number[] = [];
    for await (const value of readAhead(numbers(), 2)) {
      await new Promise((resolve) => setImmediate(resolve));
      if (value < 2) expect(asked).toBeGreaterThan(value + 1);
      seen.push(value);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4]);
  });

  it("throws an error in its place, and stops the input when it is left early", async () => {
    let stopped = false;
    async function* failing(): AsyncGenerator<number> {
      try {
        yield 1;
        yield 2;
        throw new Error("third");
      } finally {
        stopped = true;
      }
    }
    const seen: number[] = [];
    await expect(
      (async () => {
        for await (const value of readAhead(failing(), 3)) seen.push(value);
      })(),
    ).rejects.toThrow("third");
    expect(seen).toEqual([1, 2]);
    stopped = false;
    for await (const value of readAhead(failing(), 1)) {
      expect(value).toBe(1);
      break;
    }
    expect(stopped).toBe(true);
  });
});

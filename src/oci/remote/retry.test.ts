import { describe, expect, it } from "vitest";
import { RegistryError } from "./error.ts";
import { REMOTE_LIMITS } from "./limits.ts";
import { type RetryClock, parseRetryAfter, retrying } from "./retry.ts";

function clockOf(random: number): RetryClock & { readonly slept: number[] } {
  const slept: number[] = [];
  return {
    limits: REMOTE_LIMITS,
    now: () => 0,
    random: () => random,
    sleep: (ms) => Promise.resolve(void slept.push(ms)),
    onRetry: () => undefined,
    signal: undefined,
    slept,
  };
}

const transient = (retryAfterMs?: number): RegistryError =>
  new RegistryError("SERVER_FAILED", "cannot", { transient: true, retryAfterMs });

describe("retrying", () => {
  it("waits longer each time, with jitter, and gives up", async () => {
    for (const [random, expected] of [
      [0, [125, 250, 500, 1000, 2000, 2000, 2000]],
      [1, [250, 500, 1000, 2000, 4000, 4000, 4000]],
    ] as const) {
      const clock = clockOf(random);
      await expect(retrying(clock, undefined, () => Promise.reject(transient()))).rejects.toThrow("cannot");
      expect(clock.slept).toEqual(expected);
    }
  });

  it("waits as long as it is told, up to a cap", async () => {
    const clock = clockOf(0);
    await expect(retrying(clock, 2, () => Promise.reject(transient(5000)))).rejects.toThrow("cannot");
    await expect(retrying(clock, 2, () => Promise.reject(transient(61_000)))).rejects.toThrow("cannot");
    expect(clock.slept).toEqual([5000]);
  });

  it("does not repeat what will not go better", async () => {
    const clock = clockOf(0);
    await expect(retrying(clock, undefined, () => Promise.reject(new RegistryError("DENIED", "no")))).rejects.toThrow(
      "no",
    );
    await expect(retrying(clock, undefined, () => Promise.reject(new Error("other")))).rejects.toThrow("other");
    expect(clock.slept).toEqual([]);
  });
});

describe("parseRetryAfter", () => {
  it.each([
    ["120", 120_000],
    ["0", 0],
    ["Thu, 01 Jan 1970 00:01:00 GMT", 50_000],
    ["Thu, 01 Jan 1970 00:00:01 GMT", 0],
    ["-1", undefined],
    ["99999999999", undefined],
    ["soon", undefined],
    [undefined, undefined],
  ])("reads %s", (header, expected) => {
    expect(parseRetryAfter(header, 10_000)).toBe(expected);
  });
});

import { describe, expect, it } from "vitest";
import { digestOf } from "../digest.ts";
import { countBytes, skipBytes } from "./pass.ts";
import { verifyStream } from "./verify.ts";

const bytes = Buffer.from("0123456789");
const expected = { digest: digestOf(bytes), sizeBytes: bytes.length };

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield* [bytes.subarray(0, 3), bytes.subarray(3, 4), bytes.subarray(4)];
}

async function read(stream: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(stream)).toString();
}

describe("verifyStream", () => {
  it("checks once what several ask for", () => {
    const once = verifyStream(chunks(), expected, "it");
    expect(verifyStream(once, { ...expected }, "it")).toBe(once);
    const counted = countBytes(once, () => undefined);
    expect(verifyStream(counted, expected, "it")).toBe(counted);
  });

  it("checks again when something else is asked for", async () => {
    const other = { ...expected, digest: digestOf(Buffer.from("other")) };
    await expect(read(verifyStream(verifyStream(chunks(), expected, "it"), other, "it"))).rejects.toThrow("digest");
    const longer = { ...expected, sizeBytes: 11 };
    await expect(read(verifyStream(verifyStream(chunks(), expected, "it"), longer, "it"))).rejects.toThrow("bytes");
    await expect(
      read(verifyStream(skipBytes(verifyStream(chunks(), expected, "it"), 1), expected, "it")),
    ).rejects.toThrow("bytes");
  });
});

describe("streams that are passed on", () => {
  it("are counted", async () => {
    const seen: number[] = [];
    expect(await read(countBytes(chunks(), (count) => void seen.push(count)))).toBe("0123456789");
    expect(seen).toEqual([3, 1, 6]);
  });

  it.each([0, 1, 3, 4, 9, 10, 11])("leave out %i bytes", async (skip) => {
    expect(await read(skipBytes(chunks(), skip))).toBe("0123456789".slice(skip));
  });
});

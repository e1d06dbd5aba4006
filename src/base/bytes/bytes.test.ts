import { describe, expect, it } from "vitest";
import { alignDown, alignUp, fromHex, hex, isZero, utf8 } from "./bytes.ts";
import { byteStringToBytes, byteStringToUtf8, bytesToByteString, printable, utf8ToByteString } from "./byte-string.ts";
import { crc32c } from "./crc32c.ts";
import { deriveUuid, formatUuid, parseUuid, swapGuid } from "./uuid.ts";

describe("bytes", () => {
  it("computes the known answers of CRC-32C", () => {
    expect(crc32c(utf8("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  });
  it("aligns beyond 32 bits", () => {
    expect(alignUp(2 ** 40 + 1, 4096)).toBe(2 ** 40 + 4096);
    expect(alignDown(2 ** 40 + 4097, 4096)).toBe(2 ** 40 + 4096);
  });
  it("sees a single byte that is not zero", () => {
    const bytes = new Uint8Array(200_000);
    expect(isZero(bytes)).toBe(true);
    bytes[199_999] = 1;
    expect(isZero(bytes)).toBe(false);
  });
  it("refuses what is not hexadecimal", () => {
    expect(() => fromHex("0g")).toThrow(RangeError);
    expect(hex(fromHex("00ff"))).toBe("00ff");
  });
});

describe("byte strings", () => {
  it("sort as bytes where UTF-16 would not", () => {
    const names = ["\u{10000}", "\uffff", "a"].map(utf8ToByteString).toSorted();
    expect(names.map(byteStringToUtf8)).toEqual(["a", "\uffff", "\u{10000}"]);
  });
  it("keep bytes that are not UTF-8, and print them safely", () => {
    const name = bytesToByteString(Uint8Array.of(0x66, 0xff, 0x1b));
    expect([...byteStringToBytes(name)]).toEqual([0x66, 0xff, 0x1b]);
    expect(byteStringToUtf8(name)).toBeUndefined();
    expect(printable(name)).toBe("f\\xff\\x1b");
  });
});

describe("uuid", () => {
  it("derives equal ids from equal seeds, as version 8", () => {
    const id = deriveUuid("seed", "purpose");
    expect(id).toBe(deriveUuid("seed", "purpose"));
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
  it("swaps to EFI's byte order and back", () => {
    const bytes = parseUuid("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
    expect(hex(swapGuid(bytes))).toBe("28732ac11ff8d211ba4b00a0c93ec93b");
    expect(formatUuid(swapGuid(swapGuid(bytes)))).toBe("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
  });
});

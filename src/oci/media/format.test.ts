import { describe, expect, it } from "vitest";
import { MemorySource } from "../../base/io/index.ts";
import { assertFileName, identifyDisk, identifyForPush } from "./format.ts";

/** Header of a qcow2 file, as far as it is looked at (QEMU docs/interop/qcow2.rst). */
function qcow2(fields: {
  readonly backing?: number;
  readonly incompatible?: bigint;
  readonly version?: number;
}): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write("QFI\xfb", 0, "latin1");
  bytes.writeUInt32BE(fields.version ?? 3, 4);
  bytes.writeBigUInt64BE(BigInt(fields.backing ?? 0), 8);
  bytes.writeUInt32BE(16, 20);
  bytes.writeBigUInt64BE(fields.incompatible ?? 0n, 72);
  bytes.writeUInt32BE(112, 100);
  return bytes;
}

function iso(): Buffer {
  const bytes = Buffer.alloc(40_000);
  bytes.write("\x01CD001\x01", 32_768, "latin1");
  return bytes;
}

const identify = (bytes: Buffer): Promise<string> => identifyDisk(new MemorySource(bytes), "it");

describe("identifyDisk", () => {
  it.each([
    ["qcow2", qcow2({})],
    ["qcow2", qcow2({ version: 2 })],
    ["iso", iso()],
    ["raw", Buffer.alloc(1)],
    ["raw", Buffer.alloc(32_774)],
    ["raw", Buffer.alloc(100_000, 1)],
  ])("tells %s", async (format, bytes) => {
    expect(await identify(bytes)).toBe(format);
  });

  it.each([
    ["a backing file", qcow2({ backing: 112 })],
    ["another file", qcow2({ incompatible: 4n })],
  ])("refuses a qcow2 file with %s", async (found, bytes) => {
    await expect(identify(bytes)).rejects.toMatchObject({
      code: "NOT_ALONE",
      message: expect.stringContaining(found) as string,
    });
  });

  it("takes any beginning of a header without a crash", async () => {
    for (let length = 0; length < 120; length++) {
      const found = await identify(qcow2({}).subarray(0, length)).catch((error: { name: string }) => error.name);
      expect(["raw", "qcow2", "Qcow2Error"]).toContain(found);
    }
  });
});

describe("identifyForPush", () => {
  it.each([
    ["VMDK", Buffer.from("KDMV\x01\0\0\0")],
    ["VHDX", Buffer.from("vhdxfile")],
    ["VHD", Buffer.from("conectix")],
    ["VDI", Buffer.concat([Buffer.alloc(64), Buffer.from("7f10dabe", "hex")])],
    ["gzip", Buffer.from("1f8b0800", "hex")],
    ["xz", Buffer.from("fd377a585a0000", "hex")],
    ["zstd", Buffer.from("28b52ffd00", "hex")],
    ["empty", Buffer.alloc(0)],
  ])("refuses what nobody means by a raw disk: %s", async (what, bytes) => {
    await expect(identifyForPush(new MemorySource(bytes), "x.img")).rejects.toMatchObject({
      code: "NOT_A_DISK",
      message: expect.stringContaining(what) as string,
    });
  });
});

describe("assertFileName", () => {
  it.each(["disk.qcow2", "Debian 13 (trixie).iso", "größe.raw", "a..b", "x".repeat(255)])("takes %j", (name) => {
    expect(() => assertFileName(name, "it")).not.toThrow();
  });
  it.each([
    "",
    ".",
    "..",
    ".bashrc",
    "../disk",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "\x1b[2J",
    "x".repeat(256),
    "ü".repeat(128),
  ])("refuses %j", (name) => {
    expect(() => assertFileName(name, "it")).toThrow(expect.objectContaining({ code: "BAD_NAME" }));
  });
});

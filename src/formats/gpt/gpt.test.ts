import { describe, expect, it } from "vitest";
import { deriveUuid } from "../../base/bytes/index.ts";
import { contentBytes, contentSource, MemorySource, placeContents } from "../../base/io/index.ts";
import { decodeMbr } from "../mbr/index.ts";
import { ATTRIBUTES, GptError, type GptTable, layoutGpt, PARTITION_TYPES, readGpt } from "./index.ts";

const MIB = 1024 * 1024;

function table(overrides: Partial<GptTable> = {}): GptTable {
  return {
    diskSizeBytes: 8 * MIB,
    diskGuid: deriveUuid("test", "disk"),
    partitions: [
      {
        typeGuid: PARTITION_TYPES.biosBoot,
        guid: deriveUuid("test", "1"),
        name: "BIOS-BOOT",
        startLba: 2048,
        sizeSectors: 2048,
        attributes: ATTRIBUTES.legacyBootable,
      },
      {
        typeGuid: PARTITION_TYPES.rootX86_64,
        guid: deriveUuid("test", "2"),
        name: "Wurzel 🌳",
        startLba: 4096,
        sizeSectors: 12254,
      },
    ],
    ...overrides,
  };
}

async function diskOf(gpt: GptTable): Promise<Uint8Array> {
  return contentBytes(placeContents(gpt.diskSizeBytes, layoutGpt(gpt)), gpt.diskSizeBytes);
}

describe("layoutGpt", () => {
  it("is read back as it was laid out", async () => {
    const gpt = table();
    const read = await readGpt(contentSource(placeContents(gpt.diskSizeBytes, layoutGpt(gpt))));
    expect(read.from).toBe("primary");
    expect(read.diskGuid).toBe(gpt.diskGuid);
    expect(read.lastUsableLba).toBe(16350);
    expect(read.partitions).toEqual(gpt.partitions.map((p, index) => ({ attributes: 0n, ...p, number: index + 1 })));
  });

  it("writes a protective MBR that covers the disk and saturates at 2 TiB", async () => {
    expect(decodeMbr(await diskOf(table()))).toEqual([
      { bootable: false, type: 0xee, startLba: 1, sizeSectors: 16383 },
    ]);
    const [front] = layoutGpt(table({ diskSizeBytes: 3 * 1024 ** 4 }));
    expect(decodeMbr(await contentBytes(front?.content ?? { sizeBytes: 0, extents: [] }, MIB))[0]?.sizeSectors).toBe(
      0xffffffff,
    );
  });

  const refused: [string, string, Partial<GptTable>][] = [
    ["a size that is no multiple of 512", "BAD_SIZE", { diskSizeBytes: 8 * MIB + 1 }],
    ["a disk smaller than the tables", "BAD_SIZE", { diskSizeBytes: 66 * 512 }],
    [
      "an overlap",
      "OVERLAP",
      { partitions: table().partitions.map((p) => ({ ...p, startLba: p.startLba === 2048 ? 2049 : p.startLba })) },
    ],
    [
      "a partition over the backup",
      "OUT_OF_RANGE",
      {
        partitions: table()
          .partitions.map((p) => ({ ...p, sizeSectors: p.sizeSectors + 2 }))
          .slice(1),
      },
    ],
    [
      "a long name",
      "BAD_NAME",
      {
        partitions: table()
          .partitions.slice(1)
          .map((p) => ({ ...p, name: "x".repeat(37) })),
      },
    ],
    [
      "the same GUID twice",
      "BAD_GUID",
      { partitions: table().partitions.map((p) => ({ ...p, guid: deriveUuid("test", "1") })) },
    ],
    ["something that is no GUID", "BAD_GUID", { diskGuid: "disk" }],
  ];
  it.each(refused)("refuses %s", (_what, code, overrides) => {
    expect(() => layoutGpt(table(overrides))).toThrow(expect.objectContaining({ code }));
  });
});

describe("readGpt", () => {
  it("takes the backup when the primary is damaged", async () => {
    const bytes = await diskOf(table());
    bytes[512 + 60] = 0xff;
    expect((await readGpt(new MemorySource(bytes))).from).toBe("backup");
  });

  it("refuses a disk without a table and one with both copies damaged", async () => {
    await expect(readGpt(new MemorySource(new Uint8Array(MIB)))).rejects.toMatchObject({ code: "NOT_GPT" });
    const bytes = await diskOf(table());
    bytes[1024] = 1;
    bytes[bytes.length - 33 * 512] = 1;
    await expect(readGpt(new MemorySource(bytes))).rejects.toMatchObject({ code: "CORRUPT" });
    await expect(readGpt(new MemorySource(bytes))).rejects.toBeInstanceOf(GptError);
  });
});

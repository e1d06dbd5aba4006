import { describe, expect, it } from "vitest";
import { utf8ToByteString } from "../../base/bytes/index.ts";
import { type Content, contentOf, EMPTY_CONTENT, readContent } from "../../base/io/index.ts";
import { directory, file, symlink } from "../../tree/index.ts";
import { shortNameChecksum } from "./directory.ts";
import { fatGeometry } from "./geometry.ts";
import { type FatDirectoryInput, layoutVfat, MIN_VOLUME_BYTES, vfatDataBytes } from "./index.ts";
import { assignNames } from "./names.ts";
import { dosTime } from "./time.ts";

const MIB = 1024 * 1024;
const OPTIONS = { sizeBytes: 64 * MIB, label: "EFI-SYSTEM", serial: 0x1234abcd };

function tree(...names: string[]): FatDirectoryInput {
  return directory(
    {},
    names.map((name) => [utf8ToByteString(name), file(contentOf(Buffer.from(name)))] as const),
  );
}

function shorts(...names: string[]): string[] {
  return assignNames(names.map(utf8ToByteString), "/").map(({ short }) => short);
}

async function bytesAt(content: Content, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  await readContent(content, offset, bytes);
  return bytes;
}

describe("names", () => {
  it("keep an 8.3 name in capitals without a long name", () => {
    const [name] = assignNames(["BOOTX64.EFI"], "/");
    expect(name).toMatchObject({ short: "BOOTX64 EFI", needsLong: false });
    expect(assignNames(["bootx64.efi"], "/")[0]).toMatchObject({ short: "BOOTX64 EFI", needsLong: true });
  });

  it("get unique aliases that shrink as the number grows", () => {
    expect(
      shorts("long file name.text", "long file other.text", "LONGFI~1.TEX", "Ä b.c+d.e", ".profile", "🌳🌳"),
    ).toEqual(["LONGFI~2TEX", "LONGFI~3TEX", "LONGFI~1TEX", "_BC_D~1 E  ", "PROFIL~1   ", "__~1       "]);
    const many = shorts(...Array.from({ length: 1200 }, (_, index) => `same beginning ${index}`));
    expect(new Set(many).size).toBe(1200);
    expect(many[9]).toBe("SAMEB~10   ");
    expect(many[1100]).toBe("SAM~1101   ");
  });

  it.each([
    ["case twins", "DUPLICATE", ["grub", "GRUB"]],
    ["case twins beyond ASCII", "DUPLICATE", ["äpfel", "ÄPFEL"]],
    ["a colon", "BAD_NAME", ["a:b"]],
    ["a trailing dot", "BAD_NAME", ["a."]],
    ["a control character", "BAD_NAME", ["a\nb"]],
    ["256 units", "BAD_NAME", ["x".repeat(256)]],
  ])("refuse %s", (_what, code, names) => {
    expect(() => shorts(...names)).toThrow(expect.objectContaining({ code }));
  });

  it("refuse bytes that are not UTF-8", () => {
    expect(() => assignNames(["\xff"], "/EFI")).toThrow(/\/EFI.*not UTF-8/);
  });

  it("have the checksum that mtools writes for them", () => {
    expect(shortNameChecksum("BOOTLO~1EFI")).toBe(0x9d);
    expect(shortNameChecksum("EINLAN~1EFI")).toBe(0x0a);
  });
});

describe("dosTime", () => {
  it("clamps to 1980 and 2107 and rounds down to two seconds", () => {
    expect(dosTime(0)).toEqual({ date: 0x21, time: 0 });
    expect(dosTime(2 ** 40)).toEqual({ date: 127 * 512 + 12 * 32 + 31, time: 23 * 2048 + 59 * 32 + 29 });
    expect(dosTime(Date.UTC(2024, 1, 29, 12, 34, 57) / 1000)).toEqual({
      date: 44 * 512 + 2 * 32 + 29,
      time: 12 * 2048 + 34 * 32 + 28,
    });
  });
});

describe("fatGeometry", () => {
  it("takes cluster sizes from the table and aligns data to 4 KiB", () => {
    const sizes = [33, 64, 259, 260, 512, 8191, 8192, 16384, 32768, 2 * 1024 * 1024 - 1].map((mib) =>
      fatGeometry(mib * MIB),
    );
    expect(sizes.map((geometry) => geometry.sectorsPerCluster)).toEqual([1, 1, 1, 8, 8, 8, 16, 32, 64, 64]);
    for (const geometry of sizes) {
      expect(geometry.dataOffsetBytes % 4096).toBe(0);
      expect((geometry.clusterCount + 2) * 4).toBeLessThanOrEqual(geometry.fatSectors * 512);
      expect(geometry.clusterCount).toBeGreaterThanOrEqual(65525);
    }
  });

  it("refuses what would be FAT16, naming the minimum", () => {
    expect(MIN_VOLUME_BYTES).toBeLessThanOrEqual(33 * MIB);
    expect(() => fatGeometry(MIN_VOLUME_BYTES - 512)).toThrow(
      expect.objectContaining({ code: "BAD_SIZE", data: expect.objectContaining({ minimumBytes: MIN_VOLUME_BYTES }) }),
    );
    expect(() => fatGeometry(2 * 1024 ** 4)).toThrow(expect.objectContaining({ code: "BAD_SIZE" }));
  });
});

describe("layoutVfat", () => {
  it("is pure: equal input, equal bytes, extents sorted and apart", async () => {
    const root = tree("a", "a rather long name", "ü");
    const first = layoutVfat(root, OPTIONS);
    const second = layoutVfat(root, OPTIONS);
    expect((await bytesAt(first, 0, MIB * 2)).equals(await bytesAt(second, 0, MIB * 2))).toBe(true);
    let end = 0;
    for (const extent of first.extents) {
      expect(extent.at).toBeGreaterThanOrEqual(end);
      end = extent.at + extent.length;
    }
  });

  it("writes the boot sector twice, with label and serial", async () => {
    const content = layoutVfat(tree(), { ...OPTIONS, hiddenSectors: 2048 });
    const boot = await bytesAt(content, 0, 512);
    expect(boot.subarray(71, 82).toString()).toBe("EFI-SYSTEM ");
    expect([boot.readUInt32LE(67), boot.readUInt32LE(28), boot.readUInt16LE(510)]).toEqual([0x1234abcd, 2048, 0xaa55]);
    expect((await bytesAt(content, 6 * 512, 512)).equals(boot)).toBe(true);
  });

  it("points at file data by reference", () => {
    const data = contentOf(new Uint8Array(1000));
    const content = layoutVfat(directory({}, [["F", file(data)]]), OPTIONS);
    expect(content.extents.at(-1)?.source).toBe(data.extents[0]?.source);
  });

  it("says how much data takes", () => {
    expect(vfatDataBytes(tree("a", "b"), 64 * MIB)).toBe(3 * 512);
  });

  it.each([
    ["a symbolic link", "UNSUPPORTED", directory({}, [["l", symlink("x")]])],
    ["a file of 4 GiB", "FILE_TOO_LARGE", directory({}, [["f", file({ sizeBytes: 2 ** 32, extents: [] })]])],
    ["more than fits", "TOO_SMALL", directory({}, [["f", file({ sizeBytes: 64 * MIB, extents: [] })]])],
    ["a deep tree", "LIMIT", deep(70)],
  ])("refuses %s", (_what, code, root) => {
    expect(() => layoutVfat(root, OPTIONS)).toThrow(expect.objectContaining({ code }));
  });

  it("refuses a label in lower case", () => {
    expect(() => layoutVfat(tree(), { ...OPTIONS, label: "efi" })).toThrow(
      expect.objectContaining({ code: "BAD_LABEL" }),
    );
  });
});

function deep(levels: number): FatDirectoryInput {
  let inner = directory({}, [["end", file(EMPTY_CONTENT)]]);
  for (let level = 0; level < levels; level++) inner = directory({}, [["d", inner]]);
  return inner;
}

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemorySource } from "../../base/io/index.ts";
import { TarError } from "./error.ts";
import type { TarEntry } from "./format.ts";
import { checksums } from "./header.ts";
import { DEFAULT_TAR_LIMITS, type TarLimits } from "./limits.ts";
import { TarParser } from "./parser.ts";
import { scanTar } from "./reader.ts";
import { encodeTarHeader, TAR_END, tarPadding, type TarWriteEntry } from "./writer.ts";

function vector(name: string): Buffer {
  return gunzipSync(readFileSync(join(import.meta.dirname, "../../../test/vectors/tar", `${name}.tar.gz`)));
}

interface Read {
  readonly entry: TarEntry;
  /** The file as the handler put it together. */
  readonly bytes: Buffer;
}

/** Parses in pieces of `step` bytes; checks that spans and data agree. */
function readAll(tar: Buffer, step = tar.length + 1, limits: TarLimits = DEFAULT_TAR_LIMITS): Read[] {
  const found: Read[] = [];
  let open: Buffer = Buffer.alloc(0);
  const parser = new TarParser(
    {
      entry: (entry) => {
        open = Buffer.alloc(entry.sizeBytes > 1 << 26 ? 0 : entry.sizeBytes);
      },
      data: (bytes, at) => open.set(bytes, at),
      end: (entry) => {
        const bySpans = Buffer.alloc(open.length);
        for (const { at, length, offset } of entry.spans) bySpans.set(tar.subarray(offset, offset + length), at);
        expect(bySpans.equals(open)).toBe(true);
        found.push({ entry, bytes: open });
      },
    },
    limits,
  );
  for (let at = 0; at < tar.length; at += step) parser.push(tar.subarray(at, at + step));
  parser.finish();
  return found;
}

function sha(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function entryBytes(entry: TarWriteEntry, data: Uint8Array = Buffer.alloc(0)): Buffer {
  return Buffer.concat([
    encodeTarHeader({ ...entry, sizeBytes: data.length }),
    data,
    Buffer.alloc(tarPadding(data.length)),
  ]);
}

const PLAIN: TarWriteEntry = { type: "file", path: "a", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 };

/** Changes a header block and makes its checksum right again. */
function patch(tar: Buffer, offset: number, change: (block: Buffer) => void): Buffer {
  const copy = Buffer.from(tar);
  const block = copy.subarray(offset, offset + 512);
  change(block);
  block.write(`${checksums(block).unsigned.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return copy;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TarError) return error.code;
    throw error;
  }
  return "none";
}

const SPARSE_FILES: Readonly<Record<string, string>> = {
  sparse: "c6eced4d20b74b375edce585e8c517891ef394cfb455fbf09f92beed799cb20e",
  "sparse-few": "637ff3dad3bf9207fe2f03464f928974048a6d17a2be7bfe9b7bfced51da8db3",
  "all-hole": "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58",
  tail: "ba770249d6b3a5fc43b191b3d59260fe40b8ea36b1f81fa05411bae6ba6399b4",
};

describe("sparse files of GNU tar", () => {
  for (const name of ["gnu-sparse", "pax-sparse-0.0", "pax-sparse-0.1", "pax-sparse-1.0"]) {
    it(`reads ${name}`, () => {
      for (const step of [undefined, 511, 70_001]) {
        const read = readAll(vector(name), step);
        expect(read.map(({ entry }) => entry.path)).toEqual([...Object.keys(SPARSE_FILES), "xa"].sort(byVector));
        for (const { entry, bytes } of read) {
          if (entry.path !== "xa") expect(sha(bytes)).toBe(SPARSE_FILES[entry.path]);
        }
        expect(read.find(({ entry }) => entry.path === "sparse")?.entry.spans.length).toBeGreaterThan(20);
        expect(read.find(({ entry }) => entry.path === "all-hole")?.entry.spans).toEqual([]);
      }
    });
  }
});

function byVector(a: string, b: string): number {
  const order = ["sparse", "sparse-few", "all-hole", "tail", "xa"];
  return order.indexOf(a) - order.indexOf(b);
}

describe("names and metadata of other writers", () => {
  for (const name of ["gnu-names", "pax-names", "bsd-names"]) {
    it(`reads ${name}`, () => {
      const entries = new Map(readAll(vector(name), 100).map(({ entry }) => [entry.path, entry]));
      const long = `d/${"n".repeat(120)}/${"f".repeat(150)}`;
      expect(entries.has(long)).toBe(true);
      expect(entries.get("d/longlink")?.linkTarget).toBe("t".repeat(180));
      expect(entries.get("d/null")).toMatchObject({ type: "character", major: 1, minor: 3 });
      expect(entries.get("d/blk")).toMatchObject({ type: "block", major: 259, minor: 70_000 });
      expect(entries.get("d/fifo")?.type).toBe("fifo");
      expect(entries.get("d/soft")).toMatchObject({ type: "symlink", linkTarget: "hard" });
      expect(entries.has("d/caf\xc3\xa9")).toBe(true);
      expect(entries.has("d/raw-\xff\xfe")).toBe(true);
      // Half a second after -315,619,200, which libarchive writes as "-315619200.5".
      expect(entries.get("d/empty")?.mtimeSeconds).toBe(name === "bsd-names" ? -315_619_201 : -315_619_200);
      const links = [entries.get(long), entries.get("d/hard")];
      expect(new Set(links.map((entry) => entry?.type))).toEqual(new Set(["file", "hardlink"]));
      expect(links.find((entry) => entry?.type === "file")).toMatchObject({
        uid: 3_000_000,
        gid: 4_000_000,
        mode: 0o4755,
      });
    });
  }

  for (const name of ["gnu-xattrs", "bsd-xattrs"]) {
    it(`keeps the xattrs of ${name} byte for byte`, () => {
      const [read] = readAll(vector(name), 7);
      expect(read?.entry.mtimeSeconds).toBe(1_500_000_000);
      expect(read?.entry.xattrs.map(({ name: key, value }) => [key, Buffer.from(value).toString("hex")])).toEqual([
        ["security.capability", "0100000200200a00000000000000000000000000"],
        ["user.binary", `00ff0a800a${Buffer.from("20 path=evil\n").toString("hex")}`],
        ["user.empty", ""],
      ]);
    });
  }
});

describe("big numbers", () => {
  it("reads base-256 sizes, ids and negative times", () => {
    const tar = patch(entryBytes(PLAIN), 0, (block) => {
      block.fill(0, 124, 136);
      block[124] = 0x80;
      block.writeUIntBE(9 * 1024 ** 3, 130, 6);
      block.fill(0, 108, 116);
      block[108] = 0x80;
      block.writeUInt32BE(0xffff_fffe, 112);
      block.fill(0xff, 136, 148);
      block[147] = 0xf0;
    });
    const entries: TarEntry[] = [];
    new TarParser({ entry: (entry) => void entries.push(entry) }).push(tar);
    expect(entries[0]).toMatchObject({ sizeBytes: 9 * 1024 ** 3, uid: 0xffff_fffe, mtimeSeconds: -16 });
  });

  it("passes over a file of 9 GiB in a source with random access", async () => {
    const size = 9 * 1024 ** 3;
    const head = encodeTarHeader({ ...PLAIN, sizeBytes: size });
    const tail = Buffer.concat([entryBytes({ ...PLAIN, path: "after" }), TAR_END]);
    const source = {
      sizeBytes: head.length + size + tail.length,
      read: (offset: number, target: Uint8Array): Promise<void> => {
        target.fill(0);
        if (offset < head.length) target.set(head.subarray(offset, offset + target.length));
        const from = offset - head.length - size;
        if (from >= 0) target.set(tail.subarray(from, from + target.length));
        return Promise.resolve();
      },
    };
    const entries = await scanTar(source);
    expect(entries.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ["a", size],
      ["after", 0],
    ]);
    await expect(scanTar({ ...source, sizeBytes: 1024 ** 3 })).rejects.toMatchObject({ code: "TRUNCATED" });
  });
});

describe("ends", () => {
  const one = entryBytes(PLAIN, Buffer.from("data"));
  const two = entryBytes({ ...PLAIN, path: "b" });

  it("ends at two zero blocks and ignores the rest", () => {
    expect(readAll(Buffer.concat([one, TAR_END, Buffer.alloc(9000), two])).map(({ entry }) => entry.path)).toEqual([
      "a",
    ]);
  });

  it("goes on after a lone zero block, takes a missing end for the end", () => {
    expect(readAll(Buffer.concat([one, Buffer.alloc(512), two])).map(({ entry }) => entry.path)).toEqual(["a", "b"]);
  });

  it("reads nothing from nothing", () => {
    expect(readAll(Buffer.alloc(0))).toEqual([]);
    expect(readAll(Buffer.alloc(10_240))).toEqual([]);
  });
});

describe("refusals", () => {
  const tar = entryBytes(PLAIN, Buffer.from("data"));
  const pax = (body: string): Buffer => {
    const data = Buffer.from(body, "latin1");
    const header = patch(entryBytes({ ...PLAIN, path: "pax" }, data), 0, (block) => block.write("x", 156));
    return Buffer.concat([header, tar]);
  };
  const cases: readonly (readonly [name: string, code: string, tar: Buffer])[] = [
    ["a flipped bit in a header", "BAD_CHECKSUM", Buffer.from(tar.map((byte, at) => (at === 1 ? 1 : byte)))],
    ["text where a number belongs", "BAD_NUMBER", patch(tar, 0, (block) => block.write("12x", 124))],
    ["a size beyond 2^53", "BAD_NUMBER", patch(tar, 0, (block) => block.fill(0x9f, 124, 136))],
    ["a negative size", "BAD_NUMBER", patch(tar, 0, (block) => block.fill(0xff, 124, 136))],
    ["a pax record that is too long", "BAD_PAX", pax("99 path=x\n")],
    ["a pax record that is too short", "BAD_PAX", pax("5 path=x\n")],
    ["a pax record without keyword", "BAD_PAX", pax("5 =x\n")],
    ["a pax record without length", "BAD_PAX", pax("path=x\n")],
    ["a NUL in a pax path", "BAD_PAX", pax("10 path=\0\n")],
    ["a pax size that is no number", "BAD_NUMBER", pax("11 size=ab\n")],
    ["a pax uid of 2^32", "BAD_NUMBER", pax("18 uid=4294967296\n")],
    ["a sparse file without size", "BAD_SPARSE", pax("22 GNU.sparse.major=1\n")],
    ["an empty name", "BAD_ENTRY", patch(tar, 0, (block) => block.fill(0, 0, 100))],
    ["a volume", "UNSUPPORTED", patch(tar, 0, (block) => block.write("M", 156))],
    ["a link without target", "BAD_ENTRY", entryBytes({ ...PLAIN, type: "symlink" })],
    ["an extended header without entry", "BAD_ENTRY", Buffer.concat([pax("10 path=x\n").subarray(0, 1024), TAR_END])],
  ];
  it.each(cases)("refuses %s", (_, code, bytes) => {
    expect(codeOf(() => readAll(bytes))).toBe(code);
  });

  it("accepts the sum of signed bytes", () => {
    const name = entryBytes({ ...PLAIN, path: "\xe9" }).subarray(-512);
    const signed = Buffer.from(name);
    signed[0] = 0xe9;
    signed.write(`${checksums(signed).signed.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    expect(readAll(signed)[0]?.entry.path).toBe("\xe9");
  });

  it.each([
    ["maxEntries", 1, Buffer.concat([tar, tar])],
    ["maxPathBytes", 120, entryBytes({ ...PLAIN, path: `a/${"b".repeat(120)}` })],
    ["maxPaxBytes", 100, entryBytes({ ...PLAIN, xattrs: [{ name: "user.x", value: Buffer.alloc(200) }] })],
    ["maxXattrBytes", 100, entryBytes({ ...PLAIN, xattrs: [{ name: "user.x", value: Buffer.alloc(200) }] })],
    ["maxEntryBytes", 3, tar],
    ["maxTotalBytes", 7, Buffer.concat([tar, tar])],
    ["maxSparseSpans", 10, vector("gnu-sparse")],
    ["maxSparseSpans", 10, vector("pax-sparse-1.0")],
  ] as const)("holds input against %s", (name, value, bytes) => {
    const limits = { ...DEFAULT_TAR_LIMITS, [name]: value };
    expect(() => readAll(bytes, undefined, limits)).toThrow(
      expect.objectContaining({ code: "LIMIT", hint: expect.stringContaining("--max-") as string }),
    );
    expect(codeOf(() => readAll(bytes))).toBe("none");
  });
});

describe("damaged input", () => {
  const whole = Buffer.concat([vector("pax-sparse-1.0").subarray(0, 512 * 12), vector("gnu-names")]);
  const small = Buffer.concat([
    entryBytes(
      { ...PLAIN, path: "p".repeat(200), xattrs: [{ name: "user.x", value: Buffer.from("v\n") }] },
      Buffer.from("hello"),
    ),
    entryBytes({ ...PLAIN, type: "directory", path: "dir" }),
    TAR_END,
  ]);

  it("says TRUNCATED with the offset, wherever it is cut", () => {
    const boundaries = new Set<number>();
    const codes = new Set<string>();
    for (let length = 0; length < small.length; length++) {
      const code = codeOf(() => {
        const parser = new TarParser({ entry: () => undefined });
        parser.push(small.subarray(0, length));
        parser.finish();
      });
      if (code === "none") boundaries.add(length);
      else codes.add(code);
    }
    expect([...codes]).toEqual(["TRUNCATED"]);
    // Whole entries, then zero blocks: a missing end marker is no error.
    const end = small.length - 1024;
    const inEnd = [...boundaries].filter((length) => length >= end);
    expect([...boundaries].filter((length) => length < end)).toEqual([0, end - 512]);
    expect(inEnd).toEqual([end, end + 512]);
  });

  it("never throws anything but TarError, never hangs, whatever changes", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          whole,
          small,
          vector("pax-sparse-0.0").subarray(0, 8192),
          vector("gnu-sparse").subarray(0, 8192),
          vector("bsd-xattrs"),
        ),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 2000 }),
        (bytes, changes, repair, step) => {
          let damaged: Buffer = Buffer.from(bytes);
          for (const [at, value] of changes) damaged[at % damaged.length] = value;
          // Right checksums let the damage reach what lies behind them.
          if (repair)
            for (let at = 0; at + 512 <= damaged.length; at += 512)
              if (damaged[at + 257] === 0x75) damaged = patch(damaged, at, () => undefined);
          codeOf(() => readAll(damaged, step));
        },
      ),
      { seed: 7, numRuns: 120 },
    );
  });

  it("does the same for random access", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(255), async (at, value) => {
        const damaged = Buffer.from(whole);
        damaged[at % damaged.length] = value;
        await scanTar(new MemorySource(damaged)).catch((error: unknown) => expect(error).toBeInstanceOf(TarError));
      }),
      { seed: 7, numRuns: 100 },
    );
  });
});

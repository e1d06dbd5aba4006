// Disk files of ours, raw and qcow2, judged by qemu-img: consistent, and equal in content to a plainly written copy.
import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Content, type Extent, FileSource, MemorySource, type Source } from "../../src/base/io/index.ts";
import { encodeAll, type OutputRequest } from "../../src/disk/output/encode.ts";
import { readQcow2 } from "../../src/formats/qcow2/index.ts";
import { oracle, type Requirement, run, tempDir, type TempFolder } from "../support/tools.ts";
import { writeContent } from "../support/write-content.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** 1 MiB each: text that compresses well, noise that does not, zeros. */
const SOURCES: Source[] = [];

beforeAll(() => {
  const text = Buffer.alloc(MIB);
  for (let at = 0, line = 0; at < MIB; line++) at += text.write(`line ${line} of ${line * line}\n`, at);
  const noise = Buffer.concat(
    Array.from({ length: MIB / 32 }, (_, index) => createHash("sha256").update(`${index}`).digest()),
  );
  SOURCES.push(new MemorySource(text), new MemorySource(noise), new MemorySource(new Uint8Array(MIB)));
});

interface Piece {
  readonly gap: number;
  readonly length: number;
  readonly source: number;
  readonly sourceOffset: number;
}

function diskOf(pieces: readonly Piece[], tail: number): Content {
  const extents: Extent[] = [];
  let at = 0;
  for (const { gap, length, source, sourceOffset } of pieces) {
    at += gap;
    const fitting = Math.min(length, MIB - sourceOffset);
    extents.push({ at, length: fitting, source: SOURCES[source] as Source, sourceOffset });
    at += fitting;
  }
  return { sizeBytes: at + tail, extents };
}

function requests(folder: TempFolder, round: number): OutputRequest[] {
  return [
    { format: "raw", path: folder.join(`${round}.raw`) },
    { format: "qcow2", path: folder.join(`${round}-none.qcow2`) },
    { format: "qcow2", path: folder.join(`${round}-zlib.qcow2`), compress: "zlib" },
    { format: "qcow2", path: folder.join(`${round}-zstd.qcow2`), compress: "zstd" },
  ];
}

interface CheckReport {
  readonly leaks?: number;
  readonly corruptions?: number;
  readonly "check-errors": number;
}

/** No error, no leak, and the content of a copy that the encoders had no hand in. */
async function judge(disk: Content, outputs: readonly OutputRequest[], reference: string): Promise<void> {
  await writeContent(reference, disk);
  for (const { format, path } of outputs) {
    if (format === "qcow2") {
      const report = JSON.parse((await run("qemu-img", ["check", "--output=json", path])).stdout) as CheckReport;
      expect({
        leaks: report.leaks ?? 0,
        corruptions: report.corruptions ?? 0,
        errors: report["check-errors"],
      }).toEqual({
        leaks: 0,
        corruptions: 0,
        errors: 0,
      });
    }
    const { stdout } = await run("qemu-img", ["compare", "-f", "raw", "-F", format, reference, path]);
    expect(stdout).toContain("Images are identical");
  }
}

const length = fc.oneof(
  fc.constantFrom(1, 511, 512, 4096, 65535, 65536, 65537, 131072),
  fc.integer({ min: 1, max: MIB }),
);
const piece: fc.Arbitrary<Piece> = fc.record({
  gap: fc.oneof(
    fc.constantFrom(0, 1, 4096, 65536),
    fc.integer({ min: 0, max: 300 * KIB }),
    fc.integer({ min: 0, max: 600 * MIB }),
  ),
  length,
  source: fc.nat(2),
  sourceOffset: fc.integer({ min: 0, max: MIB - 1 }),
});

const mountNamespace: Requirement = {
  name: "mount namespaces of one's own",
  isThere: () => canMount,
};
const canMount = await run("unshare", ["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).then(
  () => true,
  () => false,
);

describe("disk files", () => {
  oracle(
    "qemu-img",
    "of random sparse disks are consistent and equal in content",
    async () => {
      using folder = tempDir();
      let round = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(piece, { maxLength: 30 }),
          fc.constantFrom(0, 1, 700, 65536, 3 * MIB),
          async (pieces, tail) => {
            const disk = diskOf(pieces, tail);
            const outputs = requests(folder, ++round);
            await encodeAll(disk, outputs);
            await judge(disk, outputs, folder.join(`${round}.reference`));
          },
        ),
        { seed: 20250618, numRuns: 20, endOnFailure: true },
      );
    },
    { proves: "qcow2 and raw files hold the disk", timeoutMs: 180_000 },
  );

  oracle(
    "qemu-img",
    "beyond 4 GiB and 2 TiB stay sparse and consistent",
    async () => {
      using folder = tempDir();
      const pieces: Piece[] = [0, 5 * GIB, 600 * GIB, 2048 * GIB].map((gap, source) => ({
        gap,
        length: 200_000,
        source: source % 2,
        sourceOffset: 5,
      }));
      const disk = diskOf(pieces, 512 * GIB + 512);
      const outputs = requests(folder, 1);
      const files = await encodeAll(disk, outputs);
      for (const file of files) expect(file.allocatedBytes).toBeLessThan(4 * MIB);
      expect(files[0]?.sizeBytes).toBe(disk.sizeBytes);
      await judge(disk, outputs, folder.join("reference"));
    },
    { proves: "large offsets are right", timeoutMs: 60_000 },
  );

  oracle(
    "qemu-img",
    "with more clusters than one block of reference counts describes are consistent",
    async () => {
      using folder = tempDir();
      // 34,000 clusters, each touched by one byte: 2.1 GiB of file, mostly holes.
      const pieces: Piece[] = Array.from({ length: 34_000 }, (_, index) => ({
        gap: 64 * KIB - 1 + (index % 7 === 0 ? 64 * KIB : 0),
        length: 1,
        source: 0,
        sourceOffset: index,
      }));
      const disk = diskOf(pieces, 0);
      const outputs = requests(folder, 1).slice(1, 2);
      await encodeAll(disk, outputs);
      await judge(disk, outputs, folder.join("reference"));
    },
    { proves: "reference counts of large files are right", timeoutMs: 120_000 },
  );

  oracle(
    "qemu-img",
    "of qemu-img are read by our reader, in every version, cluster size and compression",
    async () => {
      using folder = tempDir();
      const pieces = [0, 3, 70_000, 5 * MIB, 600 * MIB].map((gap, index) => ({
        gap,
        length: 700_000,
        source: index % 3,
        sourceOffset: 17,
      }));
      const disk = diskOf(pieces, 3 * MIB + 41);
      const reference = folder.join("reference");
      await writeContent(reference, disk);
      const cases = [
        ["-o", "compat=0.10"],
        ["-o", "cluster_size=2M"],
        ["-o", "cluster_size=4k"],
        ["-c", "-o", "compression_type=zlib"],
        ["-c", "-o", "compression_type=zstd"],
        ["-c", "-o", "compression_type=zstd,cluster_size=8k"],
      ];
      for (const options of cases) {
        const path = folder.join("theirs.qcow2");
        await run("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", ...options, reference, path]);
        using file = FileSource.open(path);
        const { content } = await readQcow2(file);
        const copy = folder.join("copy.raw");
        await encodeAll(content, [{ format: "raw", path: copy }]);
        const { stdout } = await run("qemu-img", ["compare", "-f", "raw", "-F", "raw", reference, copy]);
        expect(stdout).toContain("Images are identical");
      }
    },
    { proves: "our qcow2 reader reads what QEMU writes", timeoutMs: 60_000 },
  );

  oracle(
    "qemu-img",
    "say what they are",
    async () => {
      using folder = tempDir();
      const outputs = requests(folder, 1);
      await encodeAll(diskOf([{ gap: 0, length: MIB, source: 0, sourceOffset: 0 }], 63 * MIB), outputs);
      for (const { path, compress } of outputs.slice(1)) {
        const info = JSON.parse((await run("qemu-img", ["info", "--output=json", path])).stdout) as Record<
          string,
          unknown
        >;
        expect(info).toMatchObject({
          format: "qcow2",
          "virtual-size": 64 * MIB,
          "cluster-size": 65536,
          "dirty-flag": false,
          "format-specific": {
            data: {
              compat: "1.1",
              "compression-type": compress === "zstd" ? "zstd" : "zlib",
              "refcount-bits": 16,
              corrupt: false,
            },
          },
        });
      }
      expect(statSync(folder.join("1-zstd.qcow2")).size).toBeLessThan(700 * KIB);
    },
    { proves: "the qcow2 header says what it should" },
  );

  oracle(
    ["unshare", mountNamespace],
    "leave nothing on a full file system",
    async () => {
      using folder = tempDir();
      const script = `
        import { mkdirSync, readdirSync } from "node:fs";
        import { encodeAll } from "./src/disk/output/encode.ts";
        const source = { sizeBytes: 2 ** 30, read: (offset, target) => { target.fill(offset % 251 + 1); return Promise.resolve(); } };
        const disk = { sizeBytes: 2 ** 30, extents: [{ at: 0, length: 2 ** 30, source, sourceOffset: 0 }] };
        for (const compress of ["none", "zstd"]) {
          for (const format of ["qcow2", "raw"]) {
            const code = await encodeAll(disk, [{ format, path: process.argv[1] + "/disk", compress }]).then(() => "none", (error) => error.code);
            console.log(format, compress, code, readdirSync(process.argv[1]).length);
          }
        }`;
      const { stdout } = await run("unshare", [
        "-rm",
        "sh",
        "-c",
        'mount -t tmpfs -o size=20k none "$1" && exec "$0" --input-type=module-typescript -e "$2" "$1"',
        process.execPath,
        folder.path,
        script,
      ]);
      expect(stdout).toBe("qcow2 none NO_SPACE 0\nraw none NO_SPACE 0\nqcow2 zstd NO_SPACE 0\nraw zstd NO_SPACE 0\n");
      expect(readdirSync(folder.path)).toEqual([]);
    },
    { proves: "a full output directory is left clean", timeoutMs: 60_000 },
  );

  test("of a killed run leave the target's name alone, and the next run clears up", async () => {
    using folder = tempDir();
    const script = `
      import { encodeAll } from "./src/disk/output/encode.ts";
      const read = async (offset, target) => { target.fill(offset % 251 + 1); await new Promise((resolve) => setTimeout(resolve, 5)); };
      const disk = { sizeBytes: 2 ** 32, extents: [{ at: 0, length: 2 ** 32, source: { sizeBytes: 2 ** 32, read }, sourceOffset: 0 }] };
      const outputs = [{ format: "raw", path: process.argv[1] + "/a.raw" }, { format: "qcow2", path: process.argv[1] + "/a.qcow2" }];
      await encodeAll(disk, outputs, { onProgress: (done) => { if (done > 50_000_000) process.kill(process.pid, "SIGKILL"); } });`;
    await expect(
      run(process.execPath, ["--input-type=module-typescript", "-e", script, folder.path]),
    ).rejects.toMatchObject({ code: "FAILED" });
    const left = readdirSync(folder.path);
    expect(left.filter((name) => !name.endsWith(".partial"))).toEqual([]);
    expect(left).toHaveLength(2);
    await encodeAll(diskOf([], MIB), [{ format: "raw", path: folder.join("a.raw") }]);
    expect(readdirSync(folder.path)).toEqual(["a.raw"]);
  });
});

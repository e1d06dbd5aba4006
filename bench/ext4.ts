/**
 * A tree of 20,000 files (7 KB each) as an ext4 image: ours beside `mke2fs -d`, interleaved, median of three. Ours reads
 * one large file, as from the layer cache; the peer reads a folder. Run: node bench/ext4.ts
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentFrom, FileSource } from "../src/base/io/index.ts";
import { layoutExt4 } from "../src/formats/ext4/index.ts";
import { directory, type DirectoryInode, file } from "../src/tree/index.ts";
import { writeContent } from "../test/support/write-content.ts";

const DIRECTORIES = 400;
const FILES_EACH = 50;
const FILE_BYTES = 7000;
const SIZE_BYTES = 400 * 2 ** 20;

const folder = mkdtempSync(join(tmpdir(), "slipway-bench-"));
try {
  makeFolder(join(folder, "tree"));
  writeFileSync(join(folder, "cache"), new Uint8Array(DIRECTORIES * FILES_EACH * FILE_BYTES).fill(7));
  using source = FileSource.open(join(folder, "cache"));
  const root = makeTree(source);
  const ours: number[] = [];
  const layouts: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < 3; round++) {
    ours.push(
      await timed(async () => {
        const start = performance.now();
        const seed = new Uint8Array(16).fill(1);
        const content = layoutExt4(root, { sizeBytes: SIZE_BYTES, uuid: seed, hashSeed: seed, epochSeconds: 0 });
        layouts.push(performance.now() - start);
        await writeContent(join(folder, "ours.img"), content);
      }),
    );
    peer.push(
      await timed(() => {
        const image = join(folder, "peer.img");
        rmSync(image, { force: true });
        execFileSync("mke2fs", ["-q", "-t", "ext4", "-d", join(folder, "tree"), image, `${SIZE_BYTES / 1024}k`]);
      }),
    );
  }
  console.log(
    `layout ${median(layouts).toFixed(0)} ms, layout and write ${median(ours).toFixed(0)} ms, mke2fs -d ${median(peer).toFixed(0)} ms`,
  );
  console.log(
    `ratio ${(median(ours) / median(peer)).toFixed(2)}, resident ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function makeFolder(path: string): void {
  const bytes = new Uint8Array(FILE_BYTES).fill(7);
  for (let index = 0; index < DIRECTORIES; index++) {
    mkdirSync(join(path, `directory-${index}`), { recursive: true });
    for (let each = 0; each < FILES_EACH; each++)
      writeFileSync(join(path, `directory-${index}`, `file-${each}`), bytes);
  }
}

function makeTree(source: FileSource): DirectoryInode {
  const root = directory();
  let offset = 0;
  for (let index = 0; index < DIRECTORIES; index++) {
    const sub = directory();
    root.entries.set(`directory-${index}`, sub);
    for (let each = 0; each < FILES_EACH; each++, offset += FILE_BYTES) {
      sub.entries.set(`file-${each}`, file(contentFrom(source, offset, FILE_BYTES)));
    }
  }
  return root;
}

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

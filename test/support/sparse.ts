/** Sparse files on their way through GNU tar, and what must be left of them. */
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { run, type TempFolder } from "./tools.ts";

export interface SparseFile {
  /** In the image. */
  readonly path: string;
  readonly sizeBytes: number;
  /** GNU tar writes its own sparse headers, or PAX records (1.0). */
  readonly format: "gnu" | "pax";
}

/** Of the size: where the file holds its own offset as text. */
const MARKS = [0, 1 / 8, 1 / 2, 63 / 64];

/** A tar that GNU tar wrote, with the one file in it. */
export async function sparseTar(file: SparseFile, folder: TempFolder): Promise<Buffer> {
  const tree = folder.join(`sparse-${file.format}`);
  const path = join(tree, file.path);
  mkdirSync(dirname(path), { recursive: true });
  const handle = openSync(path, "w");
  for (const mark of MARKS) writeSync(handle, String(mark * file.sizeBytes), mark * file.sizeBytes);
  closeSync(handle);
  truncateSync(path, file.sizeBytes);
  const tar = `${tree}.tar`;
  const options = ["--sparse", `--format=${file.format}`, "--owner=0", "--group=0"];
  await run("tar", ["-C", tree, ...options, "-cf", tar, file.path]);
  return readFileSync(tar);
}

/** Size, marks and holes, below the root of a deployment. */
export async function expectSparse(system: string, file: SparseFile): Promise<void> {
  const path = `${system}/${file.path}`;
  const [size, blocks] = (await run("stat", ["-c", "%s %b", path])).stdout.trim().split(" ").map(Number);
  expect(size).toBe(file.sizeBytes);
  expect(blocks).toBeLessThanOrEqual(64);
  for (const mark of MARKS) {
    const text = String(mark * file.sizeBytes);
    const part = [`skip=${text}`, `count=${text.length + 1}`, "iflag=skip_bytes,count_bytes"];
    expect((await run("dd", [`if=${path}`, ...part])).stdout).toBe(`${text}\0`);
  }
}

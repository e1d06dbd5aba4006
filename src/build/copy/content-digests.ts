// Which content a file had when it was last hashed: an unchanged context is not read again. A file is the same when
// device, inode, size, mtime and ctime are. One that changed within two seconds before the build is not kept: its times
// could stay the same through one more change (what git calls racily clean). On disk: a magic, then records of five
// float64 (big-endian) and a SHA-256, the least recently used first.
import { createHash, hash } from "node:crypto";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type Content, readContent, streamContent, writeFileAtomic } from "../../base/io/index.ts";
import type { FileStamp } from "./context-file.ts";

const MAX_RECORDS = 200_000;
const MAGIC: Buffer = Buffer.from("slipway ctx-dig1");
const DIGEST_AT = 40;
const RECORD_BYTES = 72;
const RACY_MS = 2_000;
const SMALL_BYTES = 128 * 1024;
const CHUNK_BYTES = 1024 * 1024;

export class ContentDigests {
  readonly #path: string;
  readonly #openedMs: number;
  /** By inode. */
  readonly #records = new Map<number, Buffer>();
  readonly #used = new Set<Buffer>();
  #isChanged = false;

  private constructor(path: string, openedMs: number) {
    this.#path = path;
    this.#openedMs = openedMs;
  }

  /** `path`: `build/context-digests` below the store. A file that cannot be read is an empty cache. */
  static async open(path: string): Promise<ContentDigests> {
    await mkdir(dirname(path), { recursive: true });
    const digests = new ContentDigests(path, await fileClock(`${path}.${process.pid}.clock`));
    const bytes = await readFile(path).catch(() => MAGIC);
    const isOurs = bytes.subarray(0, MAGIC.length).equals(MAGIC) && bytes.length <= fileBytes(MAX_RECORDS);
    for (let at = MAGIC.length; isOurs && at + RECORD_BYTES <= bytes.length; at += RECORD_BYTES) {
      const record = bytes.subarray(at, at + RECORD_BYTES);
      digests.#records.set(record.readDoubleBE(8), record);
    }
    return digests;
  }

  /** SHA-256 in hexadecimal of the file of that stamp. */
  async of(stamp: FileStamp, content: () => Content, signal: AbortSignal): Promise<string> {
    const known = this.#records.get(stamp.ino);
    if (known !== undefined && isOf(known, stamp)) {
      this.#used.add(known);
      return known.toString("hex", DIGEST_AT);
    }
    const digest = await contentDigest(content(), signal);
    if (Math.max(stamp.ctimeMs, stamp.mtimeMs) < this.#openedMs - RACY_MS) {
      const record = recordOf(stamp, digest);
      this.#records.set(stamp.ino, record);
      this.#used.add(record);
      this.#isChanged = true;
    }
    return digest;
  }

  /** The same for content that never changes under its name: that of a cached layer. */
  ofNamed(name: string, content: Content, signal: AbortSignal): Promise<string> {
    const sum = createHash("sha256").update(name).digest();
    // No file has a negative time: numbers that no stamp has.
    const [dev, ino, size, mtimeMs, ctimeMs] = [0, 6, 12, 18, 24].map((at) => -1 - sum.readUIntBE(at, 6));
    return this.of({ dev, ino, size, mtimeMs, ctimeMs } as FileStamp, () => content, signal);
  }

  /** Writes what is known, atomically, when there is something new. Of two builds at once the later one wins. */
  async save(): Promise<void> {
    if (!this.#isChanged) return;
    const rest = [...this.#records.values()].filter((record) => !this.#used.has(record));
    const records = [...rest, ...this.#used].slice(-MAX_RECORDS);
    await writeFileAtomic(this.#path, Buffer.concat([MAGIC, ...records]));
    this.#isChanged = false;
  }
}

function fileBytes(records: number): number {
  return MAGIC.length + records * RECORD_BYTES;
}

/** The time by the clock of the file system, which file times are held against. */
async function fileClock(probe: string): Promise<number> {
  await writeFile(probe, "");
  try {
    return (await stat(probe)).mtimeMs;
  } finally {
    await rm(probe, { force: true });
  }
}

function isOf(record: Buffer, { dev, ino, size, mtimeMs, ctimeMs }: FileStamp): boolean {
  return (
    record.readDoubleBE(0) === dev &&
    record.readDoubleBE(8) === ino &&
    record.readDoubleBE(16) === size &&
    record.readDoubleBE(24) === mtimeMs &&
    record.readDoubleBE(32) === ctimeMs
  );
}

function recordOf({ dev, ino, size, mtimeMs, ctimeMs }: FileStamp, digest: string): Buffer {
  const record = Buffer.alloc(RECORD_BYTES);
  for (const [index, value] of [dev, ino, size, mtimeMs, ctimeMs].entries()) record.writeDoubleBE(value, index * 8);
  record.write(digest, DIGEST_AT, "hex");
  return record;
}

/** SHA-256 in hexadecimal. */
export async function contentDigest(content: Content, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  if (content.sizeBytes <= SMALL_BYTES) {
    const bytes = new Uint8Array(content.sizeBytes);
    await readContent(content, 0, bytes);
    return hash("sha256", bytes, "hex");
  }
  const sum = createHash("sha256");
  for await (const chunk of streamContent(content, CHUNK_BYTES)) {
    signal.throwIfAborted();
    sum.update(chunk);
  }
  return sum.digest("hex");
}

// The kernel package of an rpm database (rpm 4.16 and later, sqlite): table Packages, one header blob a package. A blob
// is two big-endian counts, index entries (tag, type, offset, count) and the data that they point into (rpm, "Header").
import { join } from "node:path";
import { AtomicFile, type Content, makeTempDir, streamContent } from "../base/io/index.ts";
import { type DirectoryInode, lookup } from "../tree/index.ts";

const PLACES = ["usr/lib/sysimage/rpm/rpmdb.sqlite", "usr/share/rpm/rpmdb.sqlite", "var/lib/rpm/rpmdb.sqlite"];
const MAX_DATABASE_BYTES = 512 * 1024 * 1024;
const MAX_ENTRIES = 100_000;
const ENTRY_BYTES = 16;
const TAG = { name: 1000, version: 1001, release: 1002, arch: 1022 } as const;
const STRING_TYPE = 6;
const KERNEL = /^kernel(-[a-z0-9]+)*-core$|^kernel$/;

/** VERSION-RELEASE.ARCH of the package that brings the kernel, which is the kernel's own name. */
export async function rpmKernelVersion(root: DirectoryInode): Promise<string | undefined> {
  const inode = PLACES.map((path) => lookup(root, path)).find((found) => found?.type === "file");
  if (inode === undefined) return undefined;
  const { content } = inode;
  if (content.sizeBytes > MAX_DATABASE_BYTES) return undefined;
  // sqlite reads files only.
  await using directory = await makeTempDir("slipway-rpmdb-");
  const path = join(directory.path, "rpmdb.sqlite");
  await keep(content, path);
  const { DatabaseSync } = await import("node:sqlite");
  const database = new DatabaseSync(path);
  try {
    for (const row of database.prepare("SELECT blob FROM Packages").iterate()) {
      const tags = row["blob"] instanceof Uint8Array ? readTags(row["blob"]) : undefined;
      const name = tags?.get(TAG.name);
      if (tags === undefined || name === undefined || !KERNEL.test(name)) continue;
      return `${tags.get(TAG.version)}-${tags.get(TAG.release)}.${tags.get(TAG.arch)}`;
    }
    return undefined;
  } catch {
    // No database, or none that we know: it tells nothing.
    return undefined;
  } finally {
    database.close();
  }
}

async function keep(content: Content, path: string): Promise<void> {
  await using file = await AtomicFile.create(path);
  let offset = 0;
  // The chunk is used again: it has to be written before the next one is read.
  for await (const chunk of streamContent(content)) {
    await file.write(offset, chunk);
    offset += chunk.length;
  }
  await file.commit({ sync: false });
}

/** The string tags of a header blob; those that do not fit are left out. */
export function readTags(blob: Uint8Array): Map<number, string> {
  const tags = new Map<number, string>();
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  if (bytes.length < 8) return tags;
  const count = bytes.readUInt32BE(0);
  const dataAt = 8 + count * ENTRY_BYTES;
  if (count > MAX_ENTRIES || dataAt > bytes.length) return tags;
  for (let at = 8; at < dataAt; at += ENTRY_BYTES) {
    const start = dataAt + bytes.readUInt32BE(at + 8);
    const end = bytes.indexOf(0, start);
    if (bytes.readUInt32BE(at + 4) === STRING_TYPE && start < bytes.length && end >= 0)
      tags.set(bytes.readUInt32BE(at), bytes.toString("utf8", start, end));
  }
  return tags;
}

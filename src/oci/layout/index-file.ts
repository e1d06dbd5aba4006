// index.json of a layout: read, and changed under a lock so that concurrent writers lose nothing.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import { AtomicFile, IoError, withFileLock } from "../../base/io/index.ts";
import { OciError } from "../error.ts";
import { formatImageIndex, type ImageIndex, readImageIndex } from "../image-index.ts";
import { INDEX_FILE, LAYOUT_FILE, MAX_INDEX_BYTES } from "./format.ts";

/** Throws OciError NOT_FOUND, BAD_LAYOUT, BAD_MANIFEST. */
export async function readIndexFile(directory: string): Promise<ImageIndex> {
  await assertLayout(directory);
  const path = join(directory, INDEX_FILE);
  try {
    const { size } = await stat(path);
    if (size > MAX_INDEX_BYTES)
      throw new OciError("LIMIT", `cannot read ${path}: ${size} bytes, more than ${MAX_INDEX_BYTES}`);
    return readImageIndex(await readFile(path), path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw new OciError("BAD_LAYOUT", `cannot read ${directory}: it has no ${INDEX_FILE}`, { cause: error });
  }
}

async function assertLayout(directory: string): Promise<void> {
  const path = join(directory, LAYOUT_FILE);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const missing = ["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "");
    throw new OciError(
      missing ? "NOT_FOUND" : "BAD_LAYOUT",
      `cannot read ${directory} as an OCI layout: ${missing ? `it has no file ${LAYOUT_FILE}` : messageOf(error)}`,
      { hint: "Give the directory that holds oci-layout and index.json", cause: error, data: { path: directory } },
    );
  }
  let version: unknown;
  try {
    version = (JSON.parse(text) as { imageLayoutVersion?: unknown }).imageLayoutVersion;
  } catch (cause) {
    throw new OciError("BAD_LAYOUT", `cannot read ${path}: it is not JSON`, { cause });
  }
  if (typeof version !== "string" || !version.startsWith("1.")) {
    throw new OciError(
      "BAD_LAYOUT",
      `cannot read ${directory}: its layout version is ${JSON.stringify(version)}, wanted is 1.0.0`,
    );
  }
}

const MAX_ATTEMPTS = 5;

/** Replaces index.json by what `change` makes of it. */
export async function updateIndexFile(directory: string, change: (index: ImageIndex) => ImageIndex): Promise<void> {
  const path = join(directory, INDEX_FILE);
  for (let attempt = 1; ; attempt++) {
    try {
      await withFileLock(join(directory, `.${INDEX_FILE}.lock`), async (lock) => {
        await using file = await AtomicFile.create(path);
        await file.write(0, formatImageIndex(change(await readIndexFile(directory))));
        await lock.assertHeld();
        await file.commit();
      });
      return;
    } catch (error) {
      if (!(error instanceof IoError) || error.code !== "LOCKED" || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

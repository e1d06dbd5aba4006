/** Writes a Content to a sparse file the plain way, so that tests of layouts do not lean on our encoders. */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import type { Content } from "../../src/base/io/index.ts";

export async function writeContent(path: string, content: Content): Promise<void> {
  const fd = openSync(path, "w");
  try {
    ftruncateSync(fd, content.sizeBytes);
    const buffer = new Uint8Array(1024 * 1024);
    for (const extent of content.extents) {
      for (let done = 0; done < extent.length; done += buffer.length) {
        const part = buffer.subarray(0, Math.min(buffer.length, extent.length - done));
        await extent.source.read(extent.sourceOffset + done, part);
        writeSync(fd, part, 0, part.length, extent.at + done);
      }
    }
  } finally {
    closeSync(fd);
  }
}

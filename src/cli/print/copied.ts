// What people read when an image has arrived.
import { formatSize } from "../../base/size.ts";
import type { ImageCopyResult } from "../image-copy.ts";

export function copiedText(name: string, result: ImageCopyResult): string {
  const { copiedBlobs, copiedBytes, reusedBlobs } = result;
  const reused = reusedBlobs === 0 ? "" : `, ${reusedBlobs} there already`;
  return `${name}  ${result.digest}\n${copiedBlobs} blobs, ${formatSize(copiedBytes)} copied${reused}\n`;
}

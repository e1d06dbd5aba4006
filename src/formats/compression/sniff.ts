// How bytes are compressed, told by the first of them: RFC 1952 (gzip), RFC 8878 (zstd, also a skippable frame, 0x184d2a50
// … 5f), the xz and the bzip2 file formats.

/** So many bytes of the beginning tell. */
export const LONGEST_MAGIC_BYTES = 6;

export type FoundCompression = "gzip" | "zstd" | "xz" | "bzip2";

/** Undefined for anything else. */
export function sniffCompression(head: Uint8Array): FoundCompression | undefined {
  const magic = Buffer.from(head.subarray(0, LONGEST_MAGIC_BYTES)).toString("hex");
  if (magic.startsWith("1f8b")) return "gzip";
  if (magic.startsWith("28b52ffd") || /^5[0-9a-f]2a4d18/.test(magic)) return "zstd";
  if (magic === "fd377a585a00") return "xz";
  return magic.startsWith("425a68") ? "bzip2" : undefined;
}

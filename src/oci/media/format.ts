// What a disk file is, told from its bytes, and what it is called in a manifest (docs/formats/media.md). Refused: qcow2
// files that need another file (whoever opens such a file reads what it names, on his own machine), and file names that
// lead elsewhere.
import { readBytes, type Source } from "../../base/io/index.ts";
import { decodeHeader, INCOMPATIBLE } from "../../formats/qcow2/index.ts";
import { MediaError } from "./error.ts";

export type DiskFormat = "qcow2" | "raw" | "iso";

export const DISK_ARTIFACT = "application/vnd.slipway.disk.v1";

export const DISK_LAYER: Readonly<Record<DiskFormat, string>> = {
  qcow2: `${DISK_ARTIFACT}.qcow2`,
  raw: `${DISK_ARTIFACT}.raw`,
  iso: `${DISK_ARTIFACT}.iso`,
};

/** The structured suffix of RFC 8878 section 7.2, and the end of such a file's name. */
export const ZSTD = { suffix: "+zstd", extension: ".zst" } as const;

/** Annotation of a layer that is a file (image-spec annotations.md): its name. */
export const TITLE = "org.opencontainers.image.title";

const HEAD_BYTES = 512;
const QCOW2_MAGIC = "514649fb";
/** The primary volume descriptor: sector 16 of 2048 bytes, behind its type (ECMA-119 section 8.4). */
const ISO = { at: 16 * 2048 + 1, text: "CD001" } as const;

/** Raw is what is nothing else. Throws MediaError NOT_ALONE, Qcow2Error, IoError. */
export async function identifyDisk(source: Source, what: string): Promise<DiskFormat> {
  const head = await headOf(source);
  if (head.toString("hex", 0, 4) === QCOW2_MAGIC) {
    const { hasBackingFile, incompatible } = decodeHeader(head);
    if (!hasBackingFile && (incompatible & INCOMPATIBLE.externalData) === 0n) return "qcow2";
    throw new MediaError(
      "NOT_ALONE",
      `cannot use ${what}: it is a qcow2 file that ${hasBackingFile ? "stands on a backing file" : "has its data in another file"}`,
      { hint: "Make it whole where its other file is: qemu-img convert -O qcow2 FILE WHOLE.qcow2" },
    );
  }
  if (source.sizeBytes < ISO.at + ISO.text.length) return "raw";
  const found = await readBytes(source, ISO.at, ISO.text.length);
  return Buffer.from(found).toString("latin1") === ISO.text ? "iso" : "raw";
}

/** What nobody means by a raw disk, by how it begins. */
const FOREIGN: readonly (readonly [what: string, at: number, hex: string])[] = [
  ["a VMDK file", 0, "4b444d56"],
  ["a VHDX file", 0, Buffer.from("vhdxfile").toString("hex")],
  ["a VHD file", 0, Buffer.from("conectix").toString("hex")],
  ["a VDI file", 64, "7f10dabe"],
  ["compressed with gzip", 0, "1f8b08"],
  ["compressed with xz", 0, "fd377a585a00"],
  ["compressed with zstd", 0, "28b52ffd"],
  ["compressed with bzip2", 0, "425a68"],
];

/** As `identifyDisk`, for a file that is going to be pushed: also NOT_A_DISK for what is certainly no raw disk. */
export async function identifyForPush(source: Source, what: string): Promise<DiskFormat> {
  if (source.sizeBytes === 0) throw new MediaError("NOT_A_DISK", `cannot push ${what}: it is empty`);
  const format = await identifyDisk(source, what);
  const head = await headOf(source);
  const foreign = FOREIGN.find(([, at, hex]) => head.toString("hex", at, at + hex.length / 2) === hex);
  if (format !== "raw" || foreign === undefined) return format;
  throw new MediaError("NOT_A_DISK", `cannot push ${what}: it is ${foreign[0]}, wanted are qcow2, raw and ISO`, {
    hint: "Unpack it, or convert it: qemu-img convert -O qcow2 FILE DISK.qcow2",
  });
}

async function headOf(source: Source): Promise<Buffer> {
  return Buffer.from(await readBytes(source, 0, Math.min(source.sizeBytes, HEAD_BYTES)));
}

const MAX_NAME_BYTES = 255;

/** A name of one file in one directory. Throws MediaError BAD_NAME. */
export function assertFileName(name: string, what: string): void {
  // oxlint-disable-next-line no-control-regex
  const isPlain = /^[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]*$/.test(name);
  if (isPlain && Buffer.byteLength(name) <= MAX_NAME_BYTES) return;
  throw new MediaError(
    "BAD_NAME",
    `cannot use ${what}: its file is called ${JSON.stringify(name.slice(0, 100))}, wanted is a plain name that does not begin with a dot`,
    { hint: "Choose another name: --output FILE when you fetch it; rename the file before you push it" },
  );
}

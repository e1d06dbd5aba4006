// Protective MBR of a GPT disk (UEFI 2.10 section 5.2.3), and a reader for the four primary entries of any MBR.
// Boot code, extended partitions and disk signatures are not written: our disks boot through UEFI.
import { viewOf } from "../../base/bytes/index.ts";
import { SlipwayError } from "../../base/errors.ts";
import {
  MBR_BYTES,
  MBR_ENTRY_BYTES,
  MBR_ENTRY_COUNT,
  MBR_SIGNATURE,
  MBR_SIGNATURE_OFFSET,
  MBR_TABLE_OFFSET,
  TYPE_GPT_PROTECTIVE,
} from "./format.ts";

export class MbrError extends SlipwayError<"TRUNCATED" | "BAD_SIGNATURE"> {}

export interface MbrPartition {
  readonly bootable: boolean;
  readonly type: number;
  readonly startLba: number;
  readonly sizeSectors: number;
}

/** The 512 bytes of a protective MBR for a disk of so many sectors; the size saturates at 2^32 - 1 as UEFI wants. */
export function encodeProtectiveMbr(diskSectors: number): Uint8Array {
  const bytes = new Uint8Array(MBR_BYTES);
  const view = viewOf(bytes);
  view.setUint8(MBR_TABLE_OFFSET, 0);
  // Cylinder, head, sector of LBA 1 is 0/0/2; the end is "not representable", because no geometry is real any more.
  bytes.set([0x00, 0x02, 0x00], MBR_TABLE_OFFSET + 1);
  view.setUint8(MBR_TABLE_OFFSET + 4, TYPE_GPT_PROTECTIVE);
  bytes.set([0xff, 0xff, 0xff], MBR_TABLE_OFFSET + 5);
  view.setUint32(MBR_TABLE_OFFSET + 8, 1, true);
  view.setUint32(MBR_TABLE_OFFSET + 12, Math.min(diskSectors - 1, 0xffffffff), true);
  view.setUint16(MBR_SIGNATURE_OFFSET, MBR_SIGNATURE, true);
  return bytes;
}

/** The used primary entries of an MBR. Throws TRUNCATED below 512 bytes, BAD_SIGNATURE without 55 AA at its end. */
export function decodeMbr(bytes: Uint8Array): MbrPartition[] {
  if (bytes.length < MBR_BYTES) {
    throw new MbrError("TRUNCATED", `cannot read the MBR: found ${bytes.length} bytes, want ${MBR_BYTES}`);
  }
  const view = viewOf(bytes);
  const signature = view.getUint16(MBR_SIGNATURE_OFFSET, true);
  if (signature !== MBR_SIGNATURE) {
    throw new MbrError(
      "BAD_SIGNATURE",
      `cannot read the MBR: its signature is 0x${signature.toString(16)}, want 0xaa55`,
    );
  }
  const partitions: MbrPartition[] = [];
  for (let index = 0; index < MBR_ENTRY_COUNT; index++) {
    const at = MBR_TABLE_OFFSET + index * MBR_ENTRY_BYTES;
    const type = view.getUint8(at + 4);
    if (type === 0) continue;
    partitions.push({
      bootable: view.getUint8(at) === 0x80,
      type,
      startLba: view.getUint32(at + 8, true),
      sizeSectors: view.getUint32(at + 12, true),
    });
  }
  return partitions;
}

// A system image as a disk: what `disk create` and `vm run IMAGE` have in common.
import { inStage } from "../base/progress.ts";
import {
  type DiskOptions,
  encodeAll,
  type OutputFile,
  type OutputRequest,
  type PreparedDisk,
  prepareDisk,
  updateTarget,
} from "../disk/index.ts";
import type { Context } from "./context.ts";
import type { SystemImage } from "./system-image.ts";

export interface SystemDisk extends PreparedDisk {
  /** Where the system gets its updates from. */
  readonly updates: string;
}

export interface SystemDiskOptions extends Omit<DiskOptions, "target"> {
  /** --target-imgref */
  readonly targetReference?: string;
}

/** The layout of the disk; warns of what the image's builder should know. Throws what `prepareDisk` throws. */
export async function prepareSystemDisk(
  context: Context,
  image: SystemImage,
  options: SystemDiskOptions,
): Promise<SystemDisk> {
  const { targetReference, ...diskOptions } = options;
  const target = updateTarget({
    manifestDigest: image.manifestDigest,
    ...(targetReference === undefined ? {} : { option: targetReference }),
    ...(image.pulledFrom === undefined ? {} : { pulledFrom: image.pulledFrom }),
    ...(image.localName === undefined ? {} : { localName: image.localName }),
  });
  if (target.warning !== undefined) context.progress.warn(target.warning);
  const disk = await prepareDisk(image, { ...diskOptions, target }, context.progress);
  if (disk.dropped.size > 0) context.progress.warn(droppedText(disk.dropped));
  return { ...disk, updates: target.reference };
}

/** The stage "write" of a command. Throws what `encodeAll` throws. */
export async function writeDisk(
  context: Context,
  disk: PreparedDisk,
  outputs: readonly OutputRequest[],
): Promise<OutputFile[]> {
  return await inStage(context.progress, "write", disk.dataBytes, (stage) => {
    let reported = 0;
    return encodeAll(disk.content, outputs, {
      digest: context.json,
      signal: context.signal,
      onProgress: (bytesDone) => {
        stage.advance(bytesDone - reported);
        reported = bytesDone;
      },
    });
  });
}

function droppedText(dropped: ReadonlyMap<string, number>): string {
  const list = [...dropped].map(([top, count]) => `${top}: ${count}`).join(", ");
  return `paths of the image that a deployment does not keep: ${list}`;
}

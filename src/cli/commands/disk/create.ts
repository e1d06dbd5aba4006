// `slipway disk create IMAGE`: options in, prepared disk, encoded files out.
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { inStage } from "../../../base/progress.ts";
import { formatSize, parseSize } from "../../../base/size.ts";
import {
  type DiskOptions,
  DiskError,
  encodeAll,
  type OutputCompression,
  type OutputFile,
  type OutputFormat,
  type PreparedDisk,
  prepareDisk,
  updateTarget,
} from "../../../disk/index.ts";
import { assertKarg } from "../../../image/index.ts";
import type { CommandFunction } from "../../app.ts";
import { readLimits } from "../../limits.ts";
import { openSystemImage } from "../../system-image.ts";
import { VERSION } from "../../version.ts";

interface Options {
  readonly type: string;
  readonly output: string;
  readonly name: string;
  readonly size?: string;
  readonly rootSize?: string;
  readonly karg?: readonly string[];
  readonly kargDelete?: readonly string[];
  readonly targetImgref?: string;
  readonly arch?: string;
  readonly compress: OutputCompression;
  readonly randomIds?: boolean;
  readonly dryRun?: boolean;
}

const FORMATS: readonly OutputFormat[] = ["qcow2", "raw"];

export const diskCreate: CommandFunction = async (context, args, rawOptions) => {
  const options = rawOptions as unknown as Options;
  const [name = ""] = args;
  const formats = parseFormats(options.type);
  const diskOptions = parseDiskOptions(options, context.env["SOURCE_DATE_EPOCH"]);
  const outputs = formats.map((format) => ({
    format,
    path: join(resolve(options.output), `${fileName(options.name)}.${format}`),
    ...(format === "qcow2" ? { compress: options.compress } : {}),
  }));

  await using image = await openSystemImage(context, name, { arch: options.arch, limits: readLimits(rawOptions) });
  const target = updateTarget({
    manifestDigest: image.manifestDigest,
    ...(options.targetImgref === undefined ? {} : { option: options.targetImgref }),
    ...(image.pulledFrom === undefined ? {} : { pulledFrom: image.pulledFrom }),
    ...(image.localName === undefined ? {} : { localName: image.localName }),
  });
  if (target.warning !== undefined) context.progress.warn(target.warning);
  const disk = await prepareDisk(image, { ...diskOptions, target }, context.progress);
  if (disk.dropped.size > 0) context.progress.warn(droppedText(disk.dropped));
  const facts = diskFacts(disk, image.manifestDigest, target.reference);
  if (options.dryRun === true) return { text: planText(disk), data: { ...facts, files: [] } };

  await mkdir(resolve(options.output), { recursive: true });
  const files = await inStage(context.progress, "write", disk.dataBytes, (stage) => {
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
  return { text: filesText(files, disk), data: { ...facts, files } };
};

/** Throws BAD_OPTION. */
function parseFormats(text: string): OutputFormat[] {
  const formats = [...new Set(text.split(","))].map((word) => FORMATS.find((format) => format === word.trim()));
  if (formats.length > 0 && formats.every((format) => format !== undefined)) return formats;
  throw new DiskError("BAD_OPTION", `cannot make disks of --type "${text}": known types are ${FORMATS.join(", ")}`);
}

function fileName(name: string): string {
  if (/^[^/\0]+$/.test(name) && !name.startsWith(".")) return name;
  throw new DiskError(
    "BAD_OPTION",
    `cannot use --name "${name}": want a file name without a slash that does not begin with a dot`,
  );
}

function parseDiskOptions(options: Options, epoch: string | undefined): Omit<DiskOptions, "target"> {
  for (const karg of options.karg ?? []) assertKarg(karg);
  const sourceDateEpoch = epoch === undefined || epoch === "" ? undefined : Number(epoch);
  if (sourceDateEpoch !== undefined && !Number.isSafeInteger(sourceDateEpoch)) {
    throw new DiskError("BAD_OPTION", `cannot read SOURCE_DATE_EPOCH "${epoch}": want seconds since 1970`);
  }
  return {
    kargs: options.karg ?? [],
    kargDeletes: options.kargDelete ?? [],
    randomIds: options.randomIds === true,
    ...(options.size === undefined ? {} : { sizeBytes: parseSize(options.size) }),
    ...(options.rootSize === undefined ? {} : { rootSizeBytes: parseSize(options.rootSize) }),
    ...(sourceDateEpoch === undefined ? {} : { sourceDateEpoch }),
  };
}

/** What --json tells of a disk, written or only planned. */
function diskFacts(disk: PreparedDisk, manifestDigest: string, updates: string): object {
  return {
    slipway: VERSION,
    manifestDigest,
    updates,
    plan: disk.plan,
    deployment: disk.deployment,
    kargs: disk.kargs,
    kernel: disk.kernelVersion,
    shim: disk.hasShim,
    dataBytes: disk.dataBytes,
  };
}

function planText(disk: PreparedDisk): string {
  const rows = disk.plan.partitions.map(
    ({ name, startBytes, sizeBytes, fileSystem }) =>
      `  ${name.padEnd(11)} at ${formatSize(startBytes).padStart(8)}  ${formatSize(sizeBytes).padStart(8)}  ${fileSystem === undefined ? "" : `${fileSystem.type} ${fileSystem.uuid}`}`,
  );
  return `${[
    `disk ${formatSize(disk.plan.sizeBytes)}, ${formatSize(disk.dataBytes)} of data, GUID ${disk.plan.diskGuid}`,
    ...rows,
    `deployment ${disk.deployment.stateroot} ${disk.deployment.commit}.${disk.deployment.serial}`,
    `kernel ${disk.kernelVersion}${disk.hasShim ? ", shim for Secure Boot" : ""}`,
    `kernel arguments ${disk.kargs.join(" ")}`,
  ].join("\n")}\n`;
}

function filesText(files: readonly OutputFile[], disk: PreparedDisk): string {
  const lines = files.map(
    (file) =>
      `${file.path}  ${formatSize(file.allocatedBytes)} on disk, ${formatSize(disk.plan.sizeBytes)} for the machine`,
  );
  return `${[...lines, `deployment ${disk.deployment.commit}, kernel ${disk.kernelVersion}`].join("\n")}\n`;
}

function droppedText(dropped: ReadonlyMap<string, number>): string {
  const list = [...dropped].map(([top, count]) => `${top}: ${count}`).join(", ");
  return `paths of the image that a deployment does not keep: ${list}`;
}

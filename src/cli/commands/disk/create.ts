// `slipway disk create IMAGE`: options in, prepared disk, encoded files out.
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { formatSize, parseSize } from "../../../base/size.ts";
import {
  DiskError,
  type OutputCompression,
  type OutputFile,
  type OutputFormat,
  type PreparedDisk,
} from "../../../disk/index.ts";
import { assertKarg } from "../../../image/index.ts";
import type { CommandFunction } from "../../app.ts";
import type { Context } from "../../context.ts";
import { prepareSystemDisk, type SystemDisk, type SystemDiskOptions, writeDisk } from "../../system-disk.ts";
import { openSystemImage } from "../../system-image.ts";
import { sourceDateEpoch } from "../../usage.ts";
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
  readonly compress: OutputCompression;
  readonly randomIds?: boolean;
  readonly dryRun?: boolean;
}

const FORMATS: readonly OutputFormat[] = ["qcow2", "raw"];

export const diskCreate: CommandFunction = async (context, args, rawOptions) => {
  const options = rawOptions as unknown as Options;
  const [name = ""] = args;
  const formats = parseFormats(options.type);
  const diskOptions = parseDiskOptions(options, context.env);
  const outputs = formats.map((format) => ({
    format,
    path: join(resolve(options.output), `${fileName(options.name)}.${format}`),
    ...(format === "qcow2" ? { compress: options.compress } : {}),
  }));

  await using image = await openSystemImage(context, name, rawOptions);
  const disk = await prepareSystemDisk(context, image, diskOptions);
  const facts = diskFacts(disk, image.manifestDigest);
  if (options.dryRun === true) return { text: planText(disk), data: { ...facts, files: [] } };

  await mkdir(resolve(options.output), { recursive: true });
  const files = await writeDisk(context, disk, outputs);
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

function parseDiskOptions(options: Options, env: Context["env"]): SystemDiskOptions {
  for (const karg of options.karg ?? []) assertKarg(karg);
  const epoch = sourceDateEpoch(env);
  return {
    kargs: options.karg ?? [],
    kargDeletes: options.kargDelete ?? [],
    randomIds: options.randomIds === true,
    ...(options.targetImgref === undefined ? {} : { targetReference: options.targetImgref }),
    ...(options.size === undefined ? {} : { sizeBytes: parseSize(options.size) }),
    ...(options.rootSize === undefined ? {} : { rootSizeBytes: parseSize(options.rootSize) }),
    ...(epoch === undefined ? {} : { sourceDateEpoch: epoch }),
  };
}

/** What --json tells of a disk, written or only planned. */
function diskFacts(disk: SystemDisk, manifestDigest: string): object {
  return {
    slipway: VERSION,
    manifestDigest,
    updates: disk.updates,
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

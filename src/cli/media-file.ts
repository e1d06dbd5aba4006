// From the name of an artifact or container disk to a file, as media pull and media extract do it.
import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "../base/errors.ts";
import { IoError } from "../base/io/index.ts";
import { formatSize } from "../base/size.ts";
import {
  assertFileName,
  chooseManifest,
  formatReference,
  locate,
  openDisk,
  parsePlatform,
  type Reference,
  writeDisk,
} from "../oci/index.ts";
import type { CommandResult } from "./app.ts";
import type { Context } from "./context.ts";
import { hostPlatform } from "./host-platform.ts";
import { readLimits } from "./limits.ts";
import type { CommandPlaces } from "./places.ts";

/** Throws what the places throw, SignatureError REFUSED, MediaError, IoError EXISTS. */
export async function fetchDisk(
  context: Context,
  places: CommandPlaces,
  reference: Reference,
  options: Readonly<Record<string, unknown>>,
): Promise<CommandResult> {
  const { arch, file, output } = options;
  await using located = await locate(reference, places);
  const start = await located.store.resolve(located.name);
  const platform = typeof arch === "string" ? { platform: parsePlatform(arch) } : {};
  const { descriptor } = await chooseManifest(located.store, start, { preferred: hostPlatform(), ...platform });
  await places.assertAllowed(reference, located, start, descriptor);
  await using disk = await openDisk(located.store, descriptor, {
    ...platform,
    limits: readLimits(options),
    progress: context.progress,
    signal: context.signal,
    ...(typeof file === "string" ? { file } : {}),
  });
  const path = await outputPath(typeof output === "string" ? output : ".", disk.name, formatReference(reference));
  const written = await writeDisk(path, disk);
  const { format, sizeBytes, allocatedBytes } = written;
  return {
    text: `${path}  ${format}, ${formatSize(sizeBytes)}, ${formatSize(allocatedBytes)} on disk\n`,
    data: {
      source: formatReference(reference),
      digest: descriptor.digest,
      form: disk.form,
      name: disk.name,
      ...written,
    },
  };
}

/** A file that the user named is replaced; a name that came from elsewhere must be plain and new. */
async function outputPath(output: string, name: string, what: string): Promise<string> {
  const isDirectory = output.endsWith("/") || (await stat(output).catch(ignoreMissing))?.isDirectory() === true;
  if (!isDirectory) return output;
  assertFileName(name, what);
  const path = join(output, name);
  if ((await lstat(path).catch(ignoreMissing)) === undefined) return path;
  throw new IoError("EXISTS", `cannot write ${path}: there is something of that name`, {
    hint: `Move it away, or replace it: --output ${path}`,
    data: { path },
  });
}

function ignoreMissing(error: unknown): undefined {
  if (systemErrorCode(error) !== "ENOENT") throw error;
}

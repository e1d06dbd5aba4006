// `slipway media push FILE DESTINATION`: a disk as an artifact or a container disk. The registry is asked whether it
// takes anything before gigabytes are read for their digest.
import { statSync } from "node:fs";
import { FileSource } from "../../../base/io/index.ts";
import { inStage } from "../../../base/progress.ts";
import { formatSize } from "../../../base/size.ts";
import {
  changedError,
  containerDisk,
  containerDiskPath,
  copyImage,
  describeBytes,
  type Descriptor,
  diskArtifact,
  type DiskFile,
  EMPTY_CONFIG,
  formatPlatform,
  formatReference,
  inspectDiskFile,
  isRemote,
  MediaError,
  type MediaStore,
  openDestination,
  parsePlatform,
  parseReference,
  type Platform,
  pushBytes,
  type Reference,
} from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import type { Context } from "../../context.ts";
import { hostPlatform } from "../../host-platform.ts";
import { copyOptions, withLogin } from "../../image-copy.ts";
import { openPlaces } from "../../places.ts";

export const mediaPush: CommandFunction = async (context, [path = "", to = ""], options) => {
  const destination = destinationOf(to);
  const platform = platformOf(options);
  if (platform === undefined) assertTakesArtifacts(destination);
  const isCompressed = options["compress"] === "zstd";
  using source = openFile(path);
  const disk = await inspectDiskFile(path, source);
  await using places = await openPlaces(context, options);
  let media: MediaStore | undefined;
  const attempt = async (): Promise<Descriptor> => {
    await using target = await openDestination(destination, places);
    const copy = copyOptions(context, {}, target, isCompressed ? { compress: "zstd" } : {});
    // Two bytes that every artifact needs, and that tell whether it is worth reading the rest.
    if (isRemote(target.store))
      await pushBytes(target.store, describeBytes(EMPTY_CONFIG.mediaType, EMPTY_CONFIG.bytes), EMPTY_CONFIG.bytes);
    media ??= await describe(context, disk, platform, isCompressed);
    const copied = await copyImage(media, media.manifest, target.store, undefined, copy).catch((error: unknown) => {
      throw changedError(error, path);
    });
    await target.publish(copied);
    return copied;
  };
  const { digest, mediaType } = await withLogin(context, places, destination, options, attempt);
  const target = formatReference(destination);
  const form = platform === undefined ? "artifact" : "container-disk";
  const as =
    platform === undefined ? "an artifact" : `/${containerDiskPath(disk.format)} for ${formatPlatform(platform)}`;
  return {
    text: `${target}  ${digest}\n${disk.format}, ${formatSize(source.sizeBytes)}, as ${as}\n`,
    data: {
      file: path,
      format: disk.format,
      sizeBytes: source.sizeBytes,
      form,
      ...(platform === undefined ? {} : { platform: formatPlatform(platform) }),
      destination: target,
      digest,
      mediaType,
      layer: media?.layer,
    },
  };
};

function describe(
  context: Context,
  disk: DiskFile,
  platform: Platform | undefined,
  isCompressed: boolean,
): Promise<MediaStore> {
  return inStage(context.progress, "digest", disk.source.sizeBytes, (stage) => {
    const options = {
      ...(isCompressed ? { compression: "zstd" as const } : {}),
      onBytes: (bytes: number) => {
        context.signal.throwIfAborted();
        stage.advance(bytes);
      },
    };
    return platform === undefined ? diskArtifact(disk, options) : containerDisk(disk, platform, options);
  });
}

/** A name with a host is at that registry; one without is of the local store. */
function destinationOf(text: string): Reference {
  const reference = parseReference(text);
  if (reference.transport !== "store") return reference;
  const { registry } = reference.image;
  return registry === undefined || registry === "localhost" ? reference : parseReference(`docker://${text}`);
}

/** Undefined for an artifact. Throws BAD_OPTION, BAD_PLATFORM. */
function platformOf(options: Readonly<Record<string, unknown>>): Platform | undefined {
  const { arch, containerDisk: isContainerDisk } = options;
  if (isContainerDisk === true) return typeof arch === "string" ? parsePlatform(arch) : hostPlatform();
  if (arch === undefined) return undefined;
  throw new MediaError("BAD_OPTION", "cannot give an artifact an architecture: it has no configuration to say it", {
    hint: "Add --container-disk, or leave out --arch",
  });
}

/** Throws BAD_OPTION. */
function assertTakesArtifacts(destination: Reference): void {
  const { transport } = destination;
  if (transport !== "containers-storage" && transport !== "docker-archive") return;
  throw new MediaError(
    "BAD_OPTION",
    `cannot push an artifact to ${formatReference(destination)}: it holds images only`,
    {
      hint: "Add --container-disk, or choose another place, such as oci-archive:FILE",
    },
  );
}

/** Throws MediaError NOT_A_DISK. */
function openFile(path: string): FileSource {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return FileSource.open(path);
  throw new MediaError("NOT_A_DISK", `cannot push ${path}: there is no such file, or it is none`, {
    hint: "Name a qcow2, raw or ISO file; a device becomes one with qemu-img convert",
  });
}

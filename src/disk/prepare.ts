// Image → the layout of a disk: the main job, told in the order in which it happens. Every step is a named function of
// another room; nothing is written here.
import { parseUuid, utf8 } from "../base/bytes/index.ts";
import { type Content, contentOf, dataBytes, EMPTY_CONTENT } from "../base/io/index.ts";
import { collectBetweenSteps } from "../base/memory.ts";
import { inStage, type Progress } from "../base/progress.ts";
import { type Census, planExt4, surveyExt4 } from "../formats/ext4/index.ts";
import { type BootableImage, checkConfig, inspectBootable, joinKargs } from "../image/index.ts";
import {
  composefsImage,
  deployFirst,
  type Deployment,
  importImage,
  type ImportedImage,
  type LayerInput,
  loadLabeller,
  TreeFileSystem,
  writeRepoTree,
} from "../ostree/index.ts";
import { directory, type DirectoryInode, ensureDirectory, file, lookup, place } from "../tree/index.ts";
import { formatAleph } from "./aleph.ts";
import { assembleDisk } from "./assemble.ts";
import { assertScriptable, espFiles } from "./bootloader/index.ts";
import { DiskError } from "./errors.ts";
import { deriveDiskIds, type DiskIds, randomDiskIds } from "./ids.ts";
import { type DiskPlan, type DiskSizeOptions, planDisk } from "./plan.ts";
import type { UpdateTarget } from "./update-target.ts";

/** An image as the disk needs it; `oci` opens it. */
export interface DiskImage {
  /** How messages name it. */
  readonly name: string;
  readonly manifestDigest: string;
  readonly manifestBytes: Uint8Array;
  readonly configBytes: Uint8Array;
  readonly architecture: string;
  readonly labels: Readonly<Record<string, string>>;
  /** RFC 3339. */
  readonly created?: string;
  /** The registry name it was pulled from. */
  readonly pulledFrom?: string;
  /** Reads the layers; their content stays where it is. */
  readonly openLayers: () => Promise<readonly LayerInput[]>;
}

export interface DiskOptions extends DiskSizeOptions {
  readonly target: UpdateTarget;
  /** Appended kernel arguments. */
  readonly kargs: readonly string[];
  readonly kargDeletes: readonly string[];
  readonly randomIds: boolean;
  /** SOURCE_DATE_EPOCH, for images that do not say when they were made. */
  readonly sourceDateEpoch?: number;
}

export interface PreparedDisk {
  readonly plan: DiskPlan;
  readonly content: Content;
  /** Bytes that are not holes. */
  readonly dataBytes: number;
  readonly deployment: Deployment;
  readonly kargs: readonly string[];
  readonly kernelVersion: string;
  /** shim is there: the disk boots under Secure Boot with Microsoft's keys. */
  readonly hasShim: boolean;
  /** Paths of the image that ostree does not keep: count by their first name. */
  readonly dropped: ReadonlyMap<string, number>;
}

const STATEROOT = "default";
const SYSROOT_CONFIG = { sysroot: { bootloader: "none", bootprefix: "true", readonly: "true" } };
/** ext4 is asked what it needs with room to spare; the answer does not depend on it. */
const AMPLE_BYTES = 2 * 1024 ** 4;

/** Throws the errors of every room below: ImageContractError, OstreeError, DiskError, … */
export async function prepareDisk(image: DiskImage, options: DiskOptions, progress: Progress): Promise<PreparedDisk> {
  const architecture = checkConfig(image, image.name);
  const imported = await importLayers(image, options, progress);
  return await inStage(progress, "lay out", undefined, async () => {
    collectBetweenSteps();
    const checkout = imported.tree;
    const bootable = await inspectBootable(checkout, architecture);
    const ids = options.randomIds ? randomDiskIds() : deriveDiskIds(idSeed(image, options));
    const rootKargs = [`root=UUID=${ids.rootFileSystem}`, "rw", ...bootable.kargs];
    const kargs = joinKargs(rootKargs, options.kargDeletes, options.kargs);

    const epochSeconds = epochOf(image, options);
    const root = directory({ mtimeSeconds: epochSeconds });
    place(root, "ostree/repo", writeRepoTree(imported.objects, imported.refs, SYSROOT_CONFIG));
    const composefs = await composefsFor(imported, bootable);
    const deployment = await deployFirst(new TreeFileSystem(root, epochSeconds), {
      commit: imported.mergeCommit,
      checkout,
      image: bootable,
      stateroot: STATEROOT,
      kargs,
      updateReference: options.target.reference,
      ...(composefs === undefined ? {} : { composefs }),
    });
    finishRoot(root, image, options, bootable, checkout);
    // bootc ends with the same step: what is not in the commit gets its label too.
    const labelled = (await loadLabeller(checkout))?.labelRest(root) ?? root;
    const esp = await espFiles(checkout, architecture, ids.rootFileSystem);
    if (!esp.hasBlscfg) for (const karg of kargs) assertScriptable(karg);

    const survey = surveyExt4(labelled, { hashSeed: parseUuid(ids.hashSeed), epochSeconds });
    const plan = planDisk({ ...sizesOf(options), architecture, ids, ...ext4Needs(survey, ids, epochSeconds) });
    const trees = { esp: esp.root, root: survey };
    collectBetweenSteps();
    const content = assembleDisk(plan, trees, { hashSeed: ids.hashSeed, epochSeconds });
    return {
      plan,
      content,
      dataBytes: dataBytes(content),
      deployment,
      kargs,
      kernelVersion: bootable.kernel.version,
      hasShim: esp.hasShim,
      dropped: imported.dropped,
    };
  });
}

/** By itself, so that the layers' entries live no longer than the import. */
async function importLayers(image: DiskImage, options: DiskOptions, progress: Progress): Promise<ImportedImage> {
  const layers = await image.openLayers();
  return await inStage(progress, "import", undefined, () =>
    importImage({
      manifestBytes: image.manifestBytes,
      configBytes: image.configBytes,
      layers,
      imageReference: `docker://${options.target.reference}`,
      ...(options.sourceDateEpoch === undefined ? {} : { fallbackSeconds: options.sourceDateEpoch }),
    }),
  );
}

/** What shapes the disk's bytes, in a form that does not depend on the order of options. */
function idSeed(image: DiskImage, options: DiskOptions): string {
  const { sizeBytes = null, rootSizeBytes = null, kargs, kargDeletes, target } = options;
  return JSON.stringify([image.manifestDigest, sizeBytes, rootSizeBytes, kargs, kargDeletes, target.reference]);
}

/** The `.ostree.cfs` of the deployment, where prepare-root.conf asks for one. */
async function composefsFor(imported: ImportedImage, bootable: BootableImage): Promise<Uint8Array | undefined> {
  const { composefs } = bootable.prepareRoot;
  if (composefs === "no") return undefined;
  if (composefs === "signed" || composefs === "verity") {
    throw new DiskError(
      "UNSUPPORTED",
      `cannot deploy the image: its prepare-root.conf wants composefs "${composefs}", which needs fs-verity on every object; the disk writer does not make that yet`,
      { hint: 'Set "[composefs] enabled=yes" in the image, and in its initramfs' },
    );
  }
  return await composefsImage(imported.tree, { verity: false });
}

/** What stands beside the sysroot: the record of the installation and the mount point of the EFI partition. */
function finishRoot(
  root: DirectoryInode,
  image: DiskImage,
  options: DiskOptions,
  bootable: BootableImage,
  checkout: DirectoryInode,
): void {
  ensureDirectory(root, "boot/efi");
  placeImageStore(ensureDirectory(root, "ostree/bootc/storage"));
  const aleph = formatAleph({
    manifestDigest: image.manifestDigest,
    targetImage: options.target.reference,
    labels: image.labels,
    kernelVersion: bootable.kernel.version,
    hasSelinuxPolicy: lookup(checkout, "usr/etc/selinux/config") !== undefined,
    created: image.created ?? new Date(epochOf(image, options) * 1000).toISOString().replace(".000Z", "Z"),
    ...(image.pulledFrom === undefined ? {} : { image: image.pulledFrom }),
  });
  root.entries.set(".bootc-aleph.json", file(contentOf(utf8(aleph))));
}

/**
 * Where bootc keeps the images that a system is bound to; /usr/lib/bootc/storage leads there. podman refuses an additional
 * image store that is not there, or that is read-only and has no locks (containers-storage.conf(5); modes as podman's).
 */
function placeImageStore(store: DirectoryInode): void {
  ensureDirectory(store, "overlay/l");
  for (const name of ["images", "layers"]) {
    const directory = ensureDirectory(store, `overlay-${name}`, { mode: 0o700 });
    directory.entries.set(`${name}.lock`, file(EMPTY_CONTENT));
  }
}

/** The image's time, else SOURCE_DATE_EPOCH, else 0. */
function epochOf(image: DiskImage, options: DiskOptions): number {
  const created = image.created === undefined ? Number.NaN : Date.parse(image.created) / 1000;
  return Number.isFinite(created) ? Math.floor(created) : (options.sourceDateEpoch ?? 0);
}

function ext4Needs(
  survey: Census,
  ids: DiskIds,
  epochSeconds: number,
): { contentBytes: number; minimalRootBytes: number } {
  const needs = planExt4(survey, {
    sizeBytes: AMPLE_BYTES,
    uuid: parseUuid(ids.rootFileSystem),
    hashSeed: parseUuid(ids.hashSeed),
    epochSeconds,
  });
  return { contentBytes: needs.fileBytes, minimalRootBytes: needs.minimalSizeBytes };
}

function sizesOf(options: DiskOptions): DiskSizeOptions {
  return {
    ...(options.sizeBytes === undefined ? {} : { sizeBytes: options.sizeBytes }),
    ...(options.rootSizeBytes === undefined ? {} : { rootSizeBytes: options.rootSizeBytes }),
  };
}

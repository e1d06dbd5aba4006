// `slipway inspect IMAGE`: what an image is made of. Layers are read for --layers and --kernel; what each of them adds
// is told without being asked when the cache has them all.
import { printable } from "../../../base/bytes/index.ts";
import { SlipwayError } from "../../../base/errors.ts";
import { inStage } from "../../../base/progress.ts";
import { formatSize } from "../../../base/size.ts";
import { kernelVersion } from "../../../image/index.ts";
import {
  chooseManifest,
  fetchDocument,
  formatPlatform,
  type HistoryEntry,
  type Image,
  type LocalStore,
  locate,
  OciError,
  openDescriptor,
  openLayers,
  parsePlatform,
  parseReference,
} from "../../../oci/index.ts";
import { fileObjectPrefix } from "../../../ostree/index.ts";
import { describeChanges, type LayerChanges, mergeLayers } from "../../../tree/index.ts";
import type { CommandFunction, CommandResult } from "../../app.ts";
import type { Context } from "../../context.ts";
import { hostPlatform } from "../../host-platform.ts";
import { readLimits } from "../../limits.ts";
import { type CommandPlaces, openPlaces } from "../../places.ts";
import { formatTable } from "../../print/table.ts";

export const inspect: CommandFunction = async (context, [text = ""], options) => {
  await using places = await openPlaces(context, options);
  await using located = await locate(parseReference(text), places);
  const { store } = located;
  const start = await store.resolve(located.name);
  if (options["raw"] === true) return document(await fetchDocument(store, start));
  const wanted = options["platform"];
  const platform = typeof wanted === "string" ? { platform: parsePlatform(wanted) } : { preferred: hostPlatform() };
  const { descriptor } = await chooseManifest(store, start, platform);
  const image = await openDescriptor(store, descriptor);
  if (options["config"] === true) return document(image.configBytes);
  if (options["kernel"] === true) return await kernel(context, places, image, options, text);
  const changes = await layerChanges(context, places, image, options);
  return describe(text, image, start.digest, changes);
};

const LARGEST = 5;

/** Undefined when the layers would have to be read and nobody asked for it. */
async function layerChanges(
  context: Context,
  { local }: CommandPlaces,
  image: Image,
  options: Readonly<Record<string, unknown>>,
): Promise<readonly LayerChanges[] | undefined> {
  if (options["layers"] === true) return await readChanges(context, local, image, options);
  for (const { diffId } of image.layers) if (!(await local.cache.has(diffId))) return undefined;
  return await readChanges(context, local, image, options).catch((error: unknown) => {
    // What is asked for can be shown without.
    if (error instanceof SlipwayError) return undefined;
    throw error;
  });
}

async function readChanges(
  context: Context,
  local: LocalStore,
  image: Image,
  options: Readonly<Record<string, unknown>>,
): Promise<readonly LayerChanges[]> {
  using sources = new DisposableStack();
  const layers = await inStage(context.progress, "read", undefined, (stage) =>
    openLayers(local.cache, image, {
      // With this the cache serves `disk create` too, and has it from there.
      fingerprint: { name: "ostree", prefix: fileObjectPrefix },
      limits: readLimits(options),
      signal: context.signal,
      onBytes: (bytes) => stage.advance(bytes),
    }),
  );
  for (const layer of layers) sources.use(layer);
  return describeChanges(
    layers.map(({ entries }) => entries),
    LARGEST,
  );
}

/** Exactly the bytes, so that they still have their digest. */
function document(bytes: Uint8Array): CommandResult {
  const text = Buffer.from(bytes).toString("utf8");
  return { text, data: JSON.parse(text) as object };
}

async function kernel(
  context: Context,
  places: CommandPlaces,
  image: Image,
  options: Readonly<Record<string, unknown>>,
  name: string,
): Promise<CommandResult> {
  using sources = new DisposableStack();
  const layers = await openLayers(places.local.cache, image, { limits: readLimits(options), signal: context.signal });
  for (const layer of layers) sources.use(layer);
  const found = await kernelVersion({
    root: mergeLayers(layers.map(({ entries }) => entries)),
    labels: image.config.labels,
    history: image.config.history.flatMap(({ createdBy, comment }) => [createdBy ?? "", comment ?? ""]),
  });
  if (found !== undefined) return { text: `${found.version}\n`, data: found };
  throw new OciError(
    "NOT_FOUND",
    `cannot find a kernel in ${name}: no usr/lib/modules/VERSION/vmlinuz, no label, no package`,
    {
      hint: "Only bootable images have a kernel",
    },
  );
}

function describe(
  name: string,
  image: Image,
  digest: string,
  changes: readonly LayerChanges[] | undefined,
): CommandResult {
  const { config, manifest } = image;
  const steps = config.history.filter(({ emptyLayer }) => !emptyLayer);
  const layers = image.layers.map(({ descriptor, diffId }, index) => ({
    digest: descriptor.digest,
    diffId,
    mediaType: descriptor.mediaType,
    sizeBytes: descriptor.sizeBytes,
    adds: adds(steps[index], descriptor.annotations),
    files: filesOf(changes?.[index]),
  }));
  const sizeBytes = layers.reduce((sum, layer) => sum + layer.sizeBytes, manifest.config.sizeBytes);
  const labels = Object.entries(config.labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const rows: [string, string][] = [
    ["name", name],
    ["digest", image.manifestDigest],
    ...(digest === image.manifestDigest ? [] : ([["index", digest]] as [string, string][])),
    ["media type", manifest.mediaType],
    ["platform", formatPlatform(config.platform)],
    ["created", config.created ?? "unknown"],
    ["size", `${formatSize(sizeBytes)} in ${layers.length} layers`],
    ...labels.map(([key, value]): [string, string] => ["label", `${key}=${value}`]),
  ];
  const head = rows.map(([key, value]) => `${key.padEnd(10)}  ${value}\n`).join("");
  const table = formatTable(
    ["LAYER", "SIZE", ...(changes === undefined ? [] : ["ADDED", "CHANGED", "REMOVED", "CONTENT"]), "BY"],
    layers.map(({ digest: layer, sizeBytes: size, files, adds: by }) => [
      layer.slice("sha256:".length, 19),
      formatSize(size),
      ...(files === null
        ? []
        : [String(files.added), String(files.changed), String(files.removed), formatSize(files.bytes)]),
      by.slice(0, 90),
    ]),
  );
  const largest = layers.flatMap(({ digest: layer, files }) =>
    (files?.largest ?? []).map(({ path, sizeBytes: size }) => [
      layer.slice("sha256:".length, 19),
      formatSize(size),
      path,
    ]),
  );
  const files = largest.length === 0 ? "" : `\n${formatTable(["LAYER", "SIZE", "LARGEST FILES"], largest)}`;
  const data = {
    name,
    digest: image.manifestDigest,
    index: digest === image.manifestDigest ? null : digest,
    mediaType: manifest.mediaType,
    configDigest: manifest.config.digest,
    platform: formatPlatform(config.platform),
    created: config.created ?? null,
    sizeBytes,
    labels: config.labels,
    annotations: manifest.annotations,
    env: config.env,
    layers,
  };
  return { text: `${head}\n${table}${files}`, data };
}

/** Null when it is not known. */
function filesOf(changes: LayerChanges | undefined): LayerChanges | null {
  if (changes === undefined) return null;
  return { ...changes, largest: changes.largest.map((each) => ({ ...each, path: printable(each.path) })) };
}

/** What the builder wrote down; chunked ostree images name the packages in an annotation. */
function adds(step: HistoryEntry | undefined, annotations: Readonly<Record<string, string>> | undefined): string {
  const said = annotations?.["ostree.components"] ?? step?.createdBy ?? step?.comment ?? "";
  return said
    .replace(/^\/bin\/sh -c (#\(nop\) )?/, "")
    .replaceAll(/\s+/g, " ")
    .trim();
}

/**
 * An image as lines of text that two tools can agree on: what its tree has more or less than that of its base, and the
 * fields of its config. Times of this build are `now`; short texts are shown, other content by size and digest. Of a
 * directory that the base has, the time is left out: overlays and tars of changes differ in it by nature.
 */
import { createHash } from "node:crypto";
import { printable } from "../../src/base/bytes/index.ts";
import { contentBytes } from "../../src/base/io/index.ts";
import { type Image, LayerCache, openImage, type ReadableStore } from "../../src/oci/index.ts";
import { type DirectoryInode, type Inode, mergeLayers, walk } from "../../src/tree/index.ts";

export interface Listing {
  /** `+ path …` new or changed, `- path` gone; sorted. */
  readonly tree: readonly string[];
  /** `Field: JSON`. */
  readonly config: readonly string[];
}

/** Later times are of the build itself. */
const NOW_SECONDS = 1_700_000_000;
const MAX_CONTENT_BYTES = 1 << 28;
const MAX_SHOWN_BYTES = 48;

type Lines = ReadonlyMap<string, string>;

/** Lists images; layers are decompressed into `cacheFolder`. */
export class Lister {
  readonly #cacheFolder: string;
  readonly #bases = new Map<string, Promise<Lines>>();

  constructor(cacheFolder: string) {
    this.#cacheFolder = cacheFolder;
  }

  /** `baseDiffId`: the one layer of the base, when the image has one. */
  async list(store: ReadableStore, name: string | undefined, baseDiffId: string): Promise<Listing> {
    const image = await openImage(store, name);
    const baseLayers = image.layers[0]?.diffId === baseDiffId ? 1 : 0;
    const key = image.layers
      .slice(0, baseLayers)
      .map(({ diffId }) => diffId)
      .join();
    let base = this.#bases.get(key);
    if (base === undefined) this.#bases.set(key, (base = this.#lines(image, baseLayers)));
    const below = await base;
    const lines = await this.#lines(image, image.layers.length, below);
    const added = [...lines].filter(([path, line]) => below.get(path) !== line).map(([, line]) => `+ ${line}`);
    const gone = [...below.keys()].filter((path) => !lines.has(path)).map((path) => `- /${printable(path)}`);
    return { tree: [...added, ...gone].toSorted(), config: configLines(image) };
  }

  async #lines(image: Image, layers: number, below?: Lines): Promise<Lines> {
    const cache = await LayerCache.open(this.#cacheFolder);
    const open = [];
    try {
      for (const layer of image.layers.slice(0, layers)) open.push(await cache.open(image.store, layer));
      return await linesOf(mergeLayers(open.map(({ entries }) => entries)), below);
    } finally {
      for (const layer of open) layer[Symbol.dispose]();
    }
  }
}

async function linesOf(root: DirectoryInode, below?: Lines): Promise<Lines> {
  const lines = new Map<string, string>();
  const names = new Map<Inode, string[]>();
  for (const { path, inode } of walk(root)) names.set(inode, [...(names.get(inode) ?? []), path]);
  for (const [inode, [first = "", ...more]] of names) {
    const text = await describe(inode, below === undefined || below.has(first));
    lines.set(first, `/${printable(first)} ${text}${more.length === 0 ? "" : ` links=${more.length + 1}`}`);
    for (const path of more) lines.set(path, `/${printable(path)} same as /${printable(first)}`);
  }
  return lines;
}

async function describe(inode: Inode, isKnown: boolean): Promise<string> {
  const owner = `${inode.mode.toString(8).padStart(4, "0")} ${inode.uid}:${inode.gid}`;
  const xattrs = inode.xattrs.map(({ name, value }) => ` ${name}=${Buffer.from(value).toString("hex")}`).join("");
  const time = inode.mtimeSeconds > NOW_SECONDS ? "now" : String(inode.mtimeSeconds);
  switch (inode.type) {
    case "directory":
      return `directory ${owner}${xattrs}${isKnown ? "" : ` ${time}`}`;
    case "symlink":
      return `link ${inode.uid}:${inode.gid}${xattrs} ${time} -> ${printable(inode.target)}`;
    case "file":
      return `file ${owner}${xattrs} ${time} ${await shown(inode.content)}`;
    case "character":
    case "block":
      return `${inode.type} ${owner}${xattrs} ${inode.major}:${inode.minor}`;
    default:
      return `${inode.type} ${owner}${xattrs} ${time}`;
  }
}

async function shown(content: Parameters<typeof contentBytes>[0]): Promise<string> {
  const bytes = Buffer.from(await contentBytes(content, MAX_CONTENT_BYTES));
  const text = bytes.toString("utf8");
  if (bytes.length <= MAX_SHOWN_BYTES && /^[\P{C}\n\t]*$/u.test(text)) return JSON.stringify(text);
  return `${bytes.length} bytes ${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}`;
}

/** In the order of the image specification; absent, empty and null are the same. */
const FIELDS = [
  "User",
  "ExposedPorts",
  "Env",
  "Entrypoint",
  "Cmd",
  "Volumes",
  "WorkingDir",
  "Labels",
  "StopSignal",
  "Healthcheck",
  "OnBuild",
  "Shell",
] as const;

function configLines(image: Image): string[] {
  const config = { ...(image.config.json["config"] as Record<string, unknown> | undefined) };
  const labels = { ...image.config.labels };
  delete labels["io.buildah.version"];
  config["Labels"] = labels;
  const lines = FIELDS.flatMap((field) => {
    const value = sorted(config[field]);
    return isEmpty(value) ? [] : [`${field}: ${JSON.stringify(value)}`];
  });
  // One character an instruction: a layer, or none.
  const history = image.config.history.map(({ emptyLayer }) => (emptyLayer ? "." : "L")).join("");
  const author = image.config.json["author"];
  return [
    ...lines,
    ...(isEmpty(author) ? [] : [`author: ${JSON.stringify(author)}`]),
    `platform: ${image.config.platform.os}/${image.config.platform.architecture}`,
    `history: ${history}`,
  ];
}

/** Maps have no order, lists do. */
function sorted(value: unknown): unknown {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

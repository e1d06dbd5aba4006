// Layers of an encapsulated commit: tars of repository objects (docs/formats/ostree.md). Everything outside
// sysroot/ostree/repo/objects/ is a view for container engines and ignored. Each object is checked against its name.
import { type ByteString, equalBytes, printable } from "../../base/bytes/index.ts";
import { contentBytes } from "../../base/io/index.ts";
import { checksumOf, decodeXattrs, isChecksum, type ObjectXattr } from "../../formats/ostree/index.ts";
import type { FileInode, LayerEntry } from "../../tree/index.ts";
import { OstreeError } from "../errors.ts";
import { fileChecksum, type MetadataKind, type ObjectSet } from "../object-set.ts";
import type { LayerInput } from "./layer-input.ts";
import { layerPath } from "./layer-path.ts";

const OBJECTS = "sysroot/ostree/repo/objects/";
const MAX_XATTRS_BYTES = 1024 * 1024;
const MAX_METADATA_BYTES = 128 * 1024 * 1024;

/** Reads a chunk layer into the set and returns the checksums of its content objects. */
export async function readChunkLayer(objects: ObjectSet, layer: LayerInput): Promise<string[]> {
  const reader = new ObjectLayerReader(objects, layer.digest);
  for await (const entry of layer.entries) await reader.read(entry, "chunk");
  return reader.content;
}

/** Reads the commit layer into the set and returns the commit's checksum. Throws BAD_LAYER when the commit is not first. */
export async function readCommitLayer(objects: ObjectSet, layer: LayerInput): Promise<string> {
  const reader = new ObjectLayerReader(objects, layer.digest);
  for await (const entry of layer.entries) await reader.read(entry, "commit");
  if (reader.commit === undefined)
    throw new OstreeError("BAD_LAYER", `cannot import layer ${layer.digest}: it has no commit object`);
  return reader.commit;
}

class ObjectLayerReader {
  readonly content: string[] = [];
  commit: string | undefined;
  readonly #objects: ObjectSet;
  readonly #layer: string;
  /** Of the next `.file`, by its checksum. */
  #pending: { readonly checksum: string; readonly xattrs: readonly ObjectXattr[] } | undefined;
  /** `.file-xattrs` objects, which links refer to. */
  readonly #shared = new Map<string, readonly ObjectXattr[]>();

  constructor(objects: ObjectSet, layer: string) {
    this.#objects = objects;
    this.#layer = layer;
  }

  async read(entry: LayerEntry, kind: "chunk" | "commit"): Promise<void> {
    if (entry.type === "directory") return;
    const name = objectName(entry.path);
    if (name === undefined) return;
    const { checksum, suffix } = name;
    if (kind === "commit" && this.commit === undefined && suffix !== "commit") {
      throw this.#bad(entry, "the first object of this layer must be the commit");
    }
    switch (suffix) {
      case "file":
        await this.#readFile(entry, checksum);
        break;
      case "file-xattrs":
        this.#shared.set(checksum, decodeXattrs(await this.#bytes(entry, MAX_XATTRS_BYTES)));
        break;
      case "file-xattrs-link":
      case "file.xattrs":
        this.#pending = { checksum, xattrs: await this.#xattrsOf(entry) };
        break;
      case "commit":
      case "dirtree":
      case "dirmeta":
        if (kind === "chunk") throw this.#bad(entry, "this layer may hold content objects only");
        await this.#readMetadata(entry, suffix, checksum);
        break;
      case "commitmeta":
        break;
      default:
        throw this.#bad(entry, `objects of kind "${printable(suffix)}" are not known`);
    }
  }

  async #readFile(entry: LayerEntry, checksum: string): Promise<void> {
    const xattrs = this.#pending?.checksum === checksum ? this.#pending.xattrs : undefined;
    if (xattrs === undefined) throw this.#bad(entry, "its extended attributes do not stand before it");
    this.#pending = undefined;
    const metadata = { mode: entry.mode & 0o7777, uid: entry.uid, gid: entry.gid, mtimeSeconds: 0, xattrs };
    let actual: string;
    if (entry.type === "symlink") {
      actual = this.#objects.addSymlink({ ...metadata, mode: 0o777, type: "symlink", target: entry.target });
    } else if (entry.type === "file") {
      const inode: FileInode = { ...metadata, type: "file", content: entry.content };
      actual =
        entry.ostreeChecksum === checksum && sameXattrs(entry.xattrs, xattrs) ? checksum : await fileChecksum(inode);
      if (actual === checksum) this.#objects.addFile(inode, checksum);
    } else {
      throw this.#bad(entry, `it is a ${entry.type}`);
    }
    if (actual !== checksum) throw this.#corrupt(entry, actual);
    this.content.push(checksum);
  }

  async #readMetadata(entry: LayerEntry, kind: MetadataKind, checksum: string): Promise<void> {
    const bytes = await this.#bytes(entry, MAX_METADATA_BYTES);
    if (checksumOf(bytes) !== checksum) throw this.#corrupt(entry, checksumOf(bytes));
    this.#objects.addMetadata(kind, bytes);
    if (kind !== "commit") return;
    if (this.commit !== undefined && this.commit !== checksum) throw this.#bad(entry, "it is a second commit");
    this.commit = checksum;
  }

  async #xattrsOf(entry: LayerEntry): Promise<readonly ObjectXattr[]> {
    if (entry.type !== "hardlink") return decodeXattrs(await this.#bytes(entry, MAX_XATTRS_BYTES));
    const target = objectName(entry.target);
    const xattrs = target?.suffix === "file-xattrs" ? this.#shared.get(target.checksum) : undefined;
    if (xattrs === undefined)
      throw this.#bad(entry, `it links to "${printable(entry.target)}", which does not stand before it`);
    return xattrs;
  }

  async #bytes(entry: LayerEntry, maxBytes: number): Promise<Uint8Array> {
    const { content } = entry;
    if (entry.type !== "file") throw this.#bad(entry, `it is a ${entry.type}, want a regular file`);
    if (content.sizeBytes > maxBytes)
      throw this.#bad(entry, `it has ${content.sizeBytes} bytes, the limit is ${maxBytes}`);
    return await contentBytes(content, maxBytes);
  }

  #bad(entry: LayerEntry, found: string): OstreeError {
    return new OstreeError("BAD_LAYER", `cannot import "${printable(entry.path)}" of layer ${this.#layer}: ${found}`);
  }

  #corrupt(entry: LayerEntry, actual: string): OstreeError {
    return new OstreeError(
      "CORRUPT_OBJECT",
      `cannot import "${printable(entry.path)}" of layer ${this.#layer}: its checksum is ${actual}`,
    );
  }
}

function objectName(path: ByteString): { readonly checksum: string; readonly suffix: string } | undefined {
  const joined = layerPath(path).join("/");
  if (!joined.startsWith(OBJECTS)) return undefined;
  const [folder = "", name = "", ...rest] = joined.slice(OBJECTS.length).split("/");
  const dot = name.indexOf(".");
  const checksum = folder + name.slice(0, dot);
  if (rest.length > 0 || dot < 0 || folder.length !== 2 || !isChecksum(checksum)) {
    throw new OstreeError("BAD_LAYER", `cannot import "${printable(path)}": it is not the name of an object`);
  }
  return { checksum, suffix: name.slice(dot + 1) };
}

function sameXattrs(a: readonly ObjectXattr[], b: readonly ObjectXattr[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, value }, index) => name === b[index]?.name && equalBytes(value, b[index].value))
  );
}

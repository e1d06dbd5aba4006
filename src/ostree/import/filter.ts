// Which entries of an ordinary layer reach ostree, and under which name (docs/formats/ostree.md, as ostree-ext filters):
// /etc becomes /usr/etc; what stands below /run, /tmp, /proc, /sys and /dev is dropped; other top-level names than /usr
// and /var stay only when the base allows it. Whiteouts are ordinary files here.
import type { ByteString } from "../../base/bytes/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import { layerPath } from "./layer-path.ts";

/** An entry with its path and link target in their final form. */
export interface FilteredEntry {
  readonly entry: LayerEntry;
  /** [] is the root. */
  readonly path: readonly ByteString[];
  /** Of hard links: the target's path. */
  readonly target: readonly ByteString[];
}

const RUNTIME = new Set<ByteString>(["run", "tmp", "proc", "sys", "dev"]);

export class LayerFilter {
  /** Entries dropped, by top-level name. */
  readonly dropped: Map<string, number> = new Map<string, number>();
  readonly #allowNonUsr: boolean;
  /** Modified objects of a repository inside the layer, waiting for the name that uses them. */
  readonly #modifiedObjects = new Map<ByteString, LayerEntry>();
  /** Modified objects that have a name: object path → that name. */
  readonly #placedObjects = new Map<ByteString, readonly ByteString[]>();

  constructor(options: { readonly allowNonUsr: boolean }) {
    this.#allowNonUsr = options.allowNonUsr;
  }

  /** undefined when the entry is dropped. Throws BAD_LAYER for paths that escape or are not UTF-8. */
  filter(entry: LayerEntry): FilteredEntry | undefined {
    const original = layerPath(entry.path);
    if (entry.mtimeSeconds > 0 && entry.type === "file" && isInRepo(original)) {
      this.#modifiedObjects.set(original.join("/"), entry);
      return undefined;
    }
    const path = this.#keptPath(original);
    if (path === undefined) return undefined;
    if (entry.type !== "hardlink") return { entry, path, target: [] };
    const target = layerPath(entry.target);
    return (
      (entry.mtimeSeconds > 0 ? this.#modifiedObject(entry, path, target) : undefined) ?? {
        entry,
        path,
        target: remapEtc(target),
      }
    );
  }

  #keptPath(path: readonly ByteString[]): readonly ByteString[] | undefined {
    const top = path[0];
    if (top === undefined || top === "usr" || top === "var") return path;
    if (top === "etc") return remapEtc(path);
    const kept = RUNTIME.has(top) ? path.length === 1 : this.#allowNonUsr;
    if (kept) return path;
    this.dropped.set(top, (this.dropped.get(top) ?? 0) + 1);
    return undefined;
  }

  /** The first name of a modified object becomes the file itself, further names link to that first one. */
  #modifiedObject(
    entry: LayerEntry,
    path: readonly ByteString[],
    target: readonly ByteString[],
  ): FilteredEntry | undefined {
    const key = target.join("/");
    const object = this.#modifiedObjects.get(key);
    if (object !== undefined) {
      this.#modifiedObjects.delete(key);
      this.#placedObjects.set(key, path);
      return { entry: object, path, target: [] };
    }
    const placed = this.#placedObjects.get(key);
    return placed === undefined ? undefined : { entry, path, target: placed };
  }
}

function isInRepo(path: readonly ByteString[]): boolean {
  return path[0] === "sysroot" && path[1] === "ostree" && path[2] === "repo";
}

function remapEtc(path: readonly ByteString[]): readonly ByteString[] {
  return path[0] === "etc" ? ["usr", ...path] : path;
}

// Finds the disk in a container disk: a file of the directory /disk, in the topmost layer that has one. The layers pass by
// as streams; none is kept. Of image-spec layer.md "Whiteouts" counts what hides such a file in the layers beneath.
import { printable } from "../../base/bytes/index.ts";
import { NO_PROGRESS, type Progress } from "../../base/progress.ts";
import type { ExpansionLimits } from "../../base/stream/index.ts";
import { type TarEntry, type TarLimits, TarParser } from "../../formats/tar/index.ts";
import type { Descriptor } from "../descriptor.ts";
import type { Image } from "../image.ts";
import { layerError } from "../layer/errors.ts";
import type { Platform } from "../platform.ts";
import { plainTar } from "../recode.ts";
import { MediaError } from "./error.ts";

/** A part of a disk; what no part covers reads as zeros. */
export interface DiskPiece {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** Comes before the pieces of a disk. */
export interface DiskHead {
  /** As somebody else chose it: `assertFileName` before it becomes a path. */
  readonly name: string;
  /** Unknown of what is compressed. */
  readonly sizeBytes?: number;
}

export interface ReadDiskOptions {
  /** Name of the file, where there are several. */
  readonly file?: string;
  readonly limits: { readonly tar: TarLimits; readonly expansion: ExpansionLimits };
  /** What the config of a container disk has to be for. */
  readonly platform?: Platform;
  /** A stage for each blob. */
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/** The stage of a blob that is fetched; `onBytes` is where a long one notices that it is to stop. */
export function fetchStage(
  blob: Descriptor,
  { progress = NO_PROGRESS, signal }: ReadDiskOptions,
): { readonly onBytes: (bytes: number) => void; readonly done: () => void } {
  const stage = progress.stage("fetch", blob.sizeBytes, blob.digest.slice("sha256:".length, 19));
  return {
    onBytes: (bytes) => {
      signal?.throwIfAborted();
      stage.advance(bytes);
    },
    done: () => stage.done(),
  };
}

/** First the head, then the pieces in order. Throws MediaError NO_DISK, AMBIGUOUS, LayerError. */
export async function* readContainerDisk(image: Image, options: ReadDiskOptions): AsyncGenerator<DiskHead | DiskPiece> {
  const what = `${image.manifestDigest} of ${image.store.description}`;
  const hidden = new Hidden();
  for (const layer of image.layers.toReversed()) {
    const finder = new Finder(what, options.file, hidden);
    const parser = new TarParser(finder, options.limits.tar);
    const stage = fetchStage(layer.descriptor, options);
    const tar = plainTar(image.store, layer, { limits: options.limits.expansion, onBytes: stage.onBytes });
    try {
      for await (const chunk of tar) {
        parser.push(chunk);
        yield* finder.take();
      }
      parser.finish();
    } catch (error) {
      throw layerError(error, layer);
    }
    yield* finder.take();
    stage.done();
    if (finder.isFound) return;
    hidden.add(finder.hides);
    if (hidden.all) break;
  }
  throw new MediaError(
    "NO_DISK",
    `cannot find ${options.file === undefined ? "a disk" : `/disk/${options.file}`} in ${what}: no layer has it`,
    { hint: "A container disk has one file in /disk, as KubeVirt wants it; slipway inspect IMAGE shows what this is" },
  );
}

/** Names in /disk that upper layers have removed or replaced. */
class Hidden {
  readonly names: Set<string> = new Set<string>();
  all = false;

  add(other: Hidden): void {
    for (const name of other.names) this.names.add(name);
    this.all ||= other.all;
  }
}

/** Watches one layer go by. */
class Finder {
  /** What this layer hides of the layers beneath. */
  readonly hides: Hidden = new Hidden();
  readonly #what: string;
  readonly #wanted: string | undefined;
  readonly #hidden: Hidden;
  #ready: (DiskHead | DiskPiece)[] = [];
  #found: string | undefined;
  #isCurrent = false;

  constructor(what: string, wanted: string | undefined, hidden: Hidden) {
    this.#what = what;
    this.#wanted = wanted;
    this.#hidden = hidden;
  }

  get isFound(): boolean {
    return this.#found !== undefined;
  }

  /** What came up since the last call. */
  take(): readonly (DiskHead | DiskPiece)[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  entry(entry: TarEntry): void {
    this.#isCurrent = false;
    const [directory, file, ...more] = entry.path.split("/").filter((part) => part !== "" && part !== ".");
    if (directory === ".wh.disk" || directory === ".wh..wh..opq") this.hides.all = true;
    if (directory !== "disk" || more.length > 0) return;
    if (file === undefined) {
      if (entry.type !== "directory") this.hides.all = true;
    } else if (file === ".wh..wh..opq") this.hides.all = true;
    else if (file.startsWith(".wh.")) this.hides.names.add(file.slice(".wh.".length));
    else if (entry.type !== "file") this.hides.names.add(file);
    else this.#file(file, entry.sizeBytes);
  }

  data(bytes: Uint8Array, at: number): void {
    if (this.#isCurrent) this.#ready.push({ at, bytes });
  }

  #file(path: string, sizeBytes: number): void {
    const name = printable(path);
    if (this.#hidden.names.has(path) || (this.#wanted !== undefined && name !== this.#wanted)) return;
    if (this.#found !== undefined) {
      throw new MediaError("AMBIGUOUS", `cannot choose a disk in ${this.#what}: /disk has ${this.#found} and ${name}`, {
        hint: `Choose one with --file, as in --file ${this.#found}`,
      });
    }
    this.#found = name;
    this.#isCurrent = true;
    this.#ready.push({ name, sizeBytes });
  }
}

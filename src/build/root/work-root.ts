// A Root on disk, for RUN: made once, kept over consecutive RUNs of a stage, and for the next build. What a step changed is
// what find(1) sees differently afterwards and what is really different from the layers. The directory belongs to this
// process: what killed builds have left is removed by the next one.
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type ByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { type FileSource, ownerState, ownerText, writeError } from "../../base/io/index.ts";
import { diffPaths, type LayerEntry, lookup, walk } from "../../tree/index.ts";
import { packPaths, readPacked } from "./changed-files.ts";
import { type HostNamespace, nameList, runTool } from "./host-tools.ts";
import { keep, keptName, keptRoots, takeKept, undone } from "./kept-root.ts";
import { touchedPaths } from "./layer-update.ts";
import { materialise, rewrite } from "./materialise.ts";
import type { BuiltLayer, Root } from "./root.ts";
import {
  compareSnapshots,
  readSnapshot,
  retakeSnapshot,
  type Snapshot,
  takeSnapshot,
  writeSnapshot,
} from "./snapshot.ts";

export interface WorkRootOptions {
  readonly signal: AbortSignal;
}

const PREFIX = "root-";
const OWNER_FILE = "owner";
const SNAPSHOT_FILE = "snapshot";
/** A directory whose owner cannot be asked, or that has none yet. */
const FOREIGN_MS = 24 * 3_600_000;
const NEVER = new AbortController().signal;

export class WorkRoot implements AsyncDisposable {
  readonly #directory: string;
  readonly #parent: string;
  readonly #place: string;
  readonly #namespace: HostNamespace;
  readonly #signal: AbortSignal;
  /** What the directory was made from, and can be turned back to once that is done. */
  readonly #first: Root;
  #isMade = false;
  #root: Root;
  #snapshot: Snapshot = new Map();
  /** Of the directory when it held the first root alone, as in SNAPSHOT_FILE. */
  #firstSnapshot: Snapshot = new Map();
  /** Somebody may have written to it since `#snapshot`. */
  #isLent = false;
  /** Packed changes that no layer has yet. */
  #packed: FileSource[] = [];
  #packs = 0;
  #kept: Promise<boolean> | undefined;

  private constructor(root: Root, parent: string, namespace: HostNamespace, signal: AbortSignal) {
    const place = join(parent, `${PREFIX}${randomBytes(8).toString("hex")}`);
    this.#first = root;
    this.#root = root;
    this.#parent = parent;
    this.#place = place;
    this.#directory = join(place, "root");
    this.#namespace = namespace;
    this.#signal = signal;
  }

  /** In a directory of its own below `parent`. Throws BuildError SANDBOX, IoError, LayerError. */
  static async make(
    root: Root,
    parent: string,
    namespace: HostNamespace,
    { signal }: WorkRootOptions,
  ): Promise<WorkRoot> {
    const work = new WorkRoot(root, parent, namespace, signal);
    try {
      const isKept = await takeKept(parent, keptName(root, namespace.ids), work.#place);
      await makeOwned(work.#place);
      await sweep(parent, namespace, (await stat(work.#place)).mtimeMs);
      if (!(isKept && (await work.#resume()))) await work.#write();
      work.#isMade = true;
      return work;
    } catch (error) {
      await work[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The root file system: give this to the sandbox. */
  get directory(): string {
    this.#isLent = true;
    return this.#directory;
  }

  async #write(): Promise<void> {
    await mkdir(this.#directory);
    await materialise(this.#namespace, this.#directory, walk(await this.#first.tree()), this.#signal);
    this.#firstSnapshot = await this.#lookAround();
    await writeSnapshot(join(this.#place, SNAPSHOT_FILE), this.#firstSnapshot);
  }

  /** False when what was kept is not whole. */
  async #resume(): Promise<boolean> {
    try {
      this.#snapshot = await readSnapshot(join(this.#place, SNAPSHOT_FILE));
      this.#firstSnapshot = this.#snapshot;
      return true;
    } catch {
      await removeRoot(this.#directory, this.#namespace);
      return false;
    }
  }

  /** A layer that another step made: `root` has it on top. */
  async update(root: Root, layer: BuiltLayer): Promise<void> {
    const after = await root.tree();
    const touched = touchedPaths(layer.entries, await this.#root.tree(), after);
    await rewrite(this.#namespace, this.#directory, after, touched, this.#signal);
    this.settle(root);
    await this.#lookAround();
  }

  /** The changes have become a layer: `root` has it on top. Their content is read from there from now on. */
  settle(root: Root): void {
    this.#root = root;
    for (const source of this.#packed) source[Symbol.dispose]();
    this.#packed = [];
  }

  /**
   * What is new, different or gone since make, update or the last changes; contents are on disk until `settle` or
   * `update`. With an epoch the disk gets its time, too: what the next step reads is what the layer has.
   */
  async changes(options: { readonly epochSeconds?: number } = {}): Promise<LayerEntry[]> {
    const last = this.#snapshot;
    const now = await this.#lookAround();
    const { candidates, gone } = compareSnapshots(last, now);
    const before = await this.#root.tree();
    const { present, late } = await this.#read(candidates, options.epochSeconds);
    const known = gone.filter((path) => lookup(before, path) !== undefined);
    const entries = diffPaths(before, present, known);
    if (late.length > 0) await this.#setTimes(late, options.epochSeconds as number);
    return entries.map((entry) => ({
      ...entry,
      mtimeSeconds: Math.min(entry.mtimeSeconds, options.epochSeconds ?? Infinity),
    }));
  }

  async #read(
    paths: readonly ByteString[],
    epochSeconds: number | undefined,
  ): Promise<Awaited<ReturnType<typeof readPacked>>> {
    if (paths.length === 0) return { present: [], late: [] };
    const target = join(this.#place, `changes-${++this.#packs}.tar`);
    const source = await packPaths(this.#namespace, this.#directory, paths, target, this.#signal);
    // Open is enough: its space is free as soon as it is closed.
    await rm(target, { force: true });
    this.#packed.push(source);
    const ids = this.#namespace.ids;
    const options = epochSeconds === undefined ? { ids } : { ids, epochSeconds };
    return readPacked(source, await this.#root.tree(), options);
  }

  async #setTimes(paths: readonly ByteString[], seconds: number): Promise<void> {
    const prefix = `${utf8ToByteString(this.#directory)}/`;
    const args = ["--null", "touch", "--no-dereference", "--no-create", `--date=@${seconds}`, "--"];
    await runTool(this.#namespace, "xargs", args, { input: nameList(paths, prefix), signal: this.#signal });
    await this.#lookAround();
  }

  async #lookAround(): Promise<Snapshot> {
    this.#snapshot = await takeSnapshot(this.#namespace, this.#directory, this.#signal);
    this.#isLent = false;
    return this.#snapshot;
  }

  /**
   * The directory becomes again what it was made from, for the next build; nobody uses it any more. The last changes can
   * be read all the same, until it is disposed of.
   */
  turnBack(): void {
    this.#kept ??= this.#isMade && !this.#signal.aborted ? this.#keep().catch(() => false) : Promise.resolve(false);
  }

  get isTurnedBack(): boolean {
    return this.#kept !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.turnBack();
    const isKept = await this.#kept;
    this.settle(this.#root);
    if (isKept !== true) await removePlace(this.#place, this.#namespace);
  }

  /** False when somebody else has kept the same. */
  async #keep(): Promise<boolean> {
    const before = this.#firstSnapshot;
    if (this.#isLent) await this.#lookAround();
    const [namespace, directory, signal] = [this.#namespace, this.#directory, this.#signal];
    const tree = await this.#first.tree();
    const touched = undone(tree, before, this.#snapshot);
    await rewrite(namespace, directory, tree, touched, signal);
    const written = touched.written.filter((each) => before.has(each));
    const path = join(this.#place, SNAPSHOT_FILE);
    if (written.length > 0)
      await writeSnapshot(path, await retakeSnapshot(namespace, directory, before, written, signal));
    await rm(join(this.#place, OWNER_FILE));
    return keep(this.#parent, this.#place, keptName(this.#first, namespace.ids), (place) =>
      removePlace(place, namespace),
    );
  }
}

/** Removes the roots that builds have kept; returns how many there were. Throws BuildError SANDBOX. */
export async function removeKeptRoots(parent: string, namespace: HostNamespace): Promise<number> {
  const names = await keptRoots(parent);
  for (const name of names) {
    const place = join(parent, `${PREFIX}${randomBytes(8).toString("hex")}`);
    if (await takeKept(parent, name, place)) await removePlace(place, namespace);
  }
  return names.length;
}

/** Mode 0700: programs with setuid bits are nobody else's business. */
async function makeOwned(place: string): Promise<void> {
  try {
    await mkdir(place, { mode: 0o700, recursive: true });
    await writeFile(join(place, OWNER_FILE), ownerText());
  } catch (error) {
    throw writeError(place, error);
  }
}

/** What builds that were killed have left. */
async function sweep(parent: string, namespace: HostNamespace, nowMs: number): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (name.startsWith(PREFIX) && (await isLeftBehind(join(parent, name), nowMs))) {
      await removePlace(join(parent, name), namespace);
    }
  }
}

async function isLeftBehind(place: string, nowMs: number): Promise<boolean> {
  const state = ownerState(await readFile(join(place, OWNER_FILE), "latin1").catch(() => ""));
  if (state !== "unknown") return state === "gone";
  const found = await stat(place).catch(() => undefined);
  return found !== undefined && nowMs - found.mtimeMs > FOREIGN_MS;
}

/** The root first, in the namespace; the owner's file last, so that a killed removal is gone on with. */
async function removePlace(place: string, namespace: HostNamespace): Promise<void> {
  await removeRoot(join(place, "root"), namespace);
  await rm(place, { recursive: true, force: true });
}

async function removeRoot(directory: string, namespace: HostNamespace): Promise<void> {
  await runTool(namespace, "rm", ["-rf", "--", directory], { signal: NEVER });
}

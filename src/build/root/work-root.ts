// A Root on disk, for RUN: made once, kept over consecutive RUNs of a stage, and for the next build. What a step changed is
// what find(1) sees differently afterwards and what is really different from the layers. The directory belongs to this
// process: what killed builds have left is removed by the next one.
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { type ByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { type FileSource, ownerState, ownerText, writeError } from "../../base/io/index.ts";
import { diffPaths, type Inode, type LayerEntry, lookup, type TreeEntry, walk } from "../../tree/index.ts";
import { packPaths, readPacked } from "./changed-files.ts";
import { type HostNamespace, nameList, runTool } from "./host-tools.ts";
import { keep, keptName, keptRoots, takeKept, undone } from "./kept-root.ts";
import { touchedPaths } from "./layer-update.ts";
import { isOnDisk, materialise, rewrite } from "./materialise.ts";
import type { BuiltLayer, Root } from "./root.ts";
import {
  appendSnapshot,
  compareSnapshots,
  readSnapshot,
  type Snapshot,
  type SnapshotChanges,
  snapshotWithoutFacts,
  takeSnapshot,
  writeSnapshot,
} from "./snapshot.ts";

export interface WorkRootOptions {
  readonly signal: AbortSignal;
}

const PREFIX = "root-";
const OWNER_FILE = "owner";
/** Then the ids that the files belong to. */
const SNAPSHOT_PREFIX = "snapshot-";
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
  /** Of the directory when it held the first root alone, as in the file of it. */
  #firstSnapshot: Promise<Snapshot> | undefined;
  /** The last one, unless it is the first. */
  #snapshot: Snapshot | undefined;
  #compared: { readonly before: Snapshot; readonly now: Snapshot; readonly changes: SnapshotChanges } | undefined;
  /** Somebody may have written to it since `#snapshot`. */
  #isLent = false;
  /** A directory of the first root has other extended attributes now. */
  #isSpoilt = false;
  /** Packed changes that no layer has yet. */
  #packed: FileSource[] = [];
  #packs = 0;
  #kept: Promise<boolean> | undefined;

  private constructor(root: Root, place: string, namespace: HostNamespace, signal: AbortSignal) {
    this.#first = root;
    this.#root = root;
    this.#parent = dirname(place);
    this.#place = place;
    this.#directory = join(place, "root");
    this.#namespace = namespace;
    this.#signal = signal;
  }

  /** In a directory of its own below `parent`. Throws BuildError SANDBOX, IoError, LayerError. */
  static async make(
    root: Root,
    parent: string,
    namespace: HostNamespace | Promise<HostNamespace>,
    { signal }: WorkRootOptions,
  ): Promise<WorkRoot> {
    const place = newPlace(parent);
    const name = keptName(root);
    const isTaken = await takeKept(parent, name, place);
    let opened: HostNamespace;
    try {
      opened = await namespace;
    } catch (error) {
      if (isTaken) await rename(place, join(parent, name)).catch(() => undefined);
      throw error;
    }
    const work = new WorkRoot(root, place, opened, signal);
    try {
      await makeOwned(place);
      await sweep(parent, opened, (await stat(place)).mtimeMs);
      if (!(isTaken && (await isThere(work.#snapshotFile)))) {
        // It was kept of files that belong to other ids.
        if (isTaken) await removeRoot(work.#directory, opened);
        await work.#write();
      }
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
    this.#firstSnapshot = this.#lookAround();
    await writeSnapshot(this.#snapshotFile, await this.#firstSnapshot);
  }

  /** For the time when the processor has nothing to do: what `changes` will need is read. */
  prepare(): void {
    this.#initial().catch(() => undefined);
    this.#root.tree().catch(() => undefined);
  }

  #initial(): Promise<Snapshot> {
    this.#firstSnapshot ??= readSnapshot(this.#snapshotFile).catch(async () => {
      // Everything looks changed then, and nothing is known that the next build could start from.
      this.#isSpoilt = true;
      return snapshotWithoutFacts(await this.#first.tree());
    });
    return this.#firstSnapshot;
  }

  get #snapshotFile(): string {
    return join(this.#place, `${SNAPSHOT_PREFIX}${this.#namespace.ids}`);
  }

  /** A layer that another step made: `root` has it on top. False when the directory cannot follow it. */
  async update(root: Root, layer: BuiltLayer): Promise<boolean> {
    const [before, after] = [await this.#root.tree(), await root.tree()];
    const touched = touchedPaths(layer.entries, before, after);
    if (touched.written.some((path) => this.#isDressedAnew(lookup(before, path), lookup(after, path)))) return false;
    await rewrite(this.#namespace, this.#directory, after, touched, this.#signal);
    this.settle(root);
    await this.#lookAround();
    return true;
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
    const last = this.#snapshot ?? (await this.#initial());
    const { candidates, gone } = this.#compare(last, await this.#lookAround());
    const before = await this.#root.tree();
    const { present, late } = await this.#read(candidates, options.epochSeconds);
    await this.#note(present);
    const known = gone.filter((path) => lookup(before, path) !== undefined);
    const entries = diffPaths(before, present, known);
    if (late.length > 0) {
      const epochSeconds = options.epochSeconds as number;
      // What nobody has changed keeps its time.
      const kept = new Set(present.filter(({ inode }) => inode.mtimeSeconds > epochSeconds).map(({ path }) => path));
      for (const { path } of entries) kept.delete(path);
      await this.#setTimes(
        late.filter((path) => !kept.has(path)),
        epochSeconds,
      );
    }
    return entries.map((entry) => ({
      ...entry,
      mtimeSeconds: Math.min(entry.mtimeSeconds, options.epochSeconds ?? Infinity),
    }));
  }

  /** What cannot be turned back is not kept. */
  async #note(present: readonly TreeEntry[]): Promise<void> {
    const first = await this.#first.tree();
    this.#isSpoilt ||= present.some(({ path, inode }) => this.#isDressedAnew(lookup(first, path), inode));
  }

  /** A directory before and now, with other extended attributes: tar takes none away. */
  #isDressedAnew(old: Inode | undefined, now: Inode | undefined): boolean {
    const attributes = ({ xattrs }: Inode): string =>
      JSON.stringify(xattrs.filter(({ name }) => isOnDisk(name, this.#namespace.ids)));
    return old?.type === "directory" && now?.type === "directory" && attributes(old) !== attributes(now);
  }

  async #read(paths: readonly ByteString[], epochSeconds?: number): Promise<Awaited<ReturnType<typeof readPacked>>> {
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
    if (paths.length === 0) return;
    const prefix = `${utf8ToByteString(this.#directory)}/`;
    const args = ["--null", "touch", "--no-dereference", "--no-create", `--date=@${seconds}`, "--"];
    await runTool(this.#namespace, "xargs", args, { input: nameList(paths, prefix), signal: this.#signal });
    await this.#lookAround();
  }

  /** A single RUN asks for the same twice. */
  #compare(before: Snapshot, now: Snapshot): SnapshotChanges {
    if (this.#compared?.before !== before || this.#compared.now !== now)
      this.#compared = { before, now, changes: compareSnapshots(before, now) };
    return this.#compared.changes;
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

  /** False when somebody else has kept the same, or it cannot be turned back. */
  async #keep(): Promise<boolean> {
    const before = await this.#initial();
    let now = this.#snapshot ?? before;
    if (this.#isLent) {
      now = await this.#lookAround();
      // Nobody has read what a failed step has left.
      const directories = this.#compare(before, now).candidates.filter((path) => now.get(path)?.type === "d");
      await this.#note((await this.#read(directories)).present);
    }
    if (this.#isSpoilt) return false;
    const [namespace, directory, signal] = [this.#namespace, this.#directory, this.#signal];
    const tree = await this.#first.tree();
    const touched = undone(tree, this.#compare(before, now), now);
    await rewrite(namespace, directory, tree, touched, signal);
    const written = touched.written.filter((each) => before.has(each));
    if (written.length > 0) await appendSnapshot(namespace, directory, written, this.#snapshotFile, signal);
    await rm(join(this.#place, OWNER_FILE));
    return keep(this.#parent, this.#place, keptName(this.#first), (place) => removePlace(place, namespace));
  }
}

/** Removes the roots that builds have kept; returns how many there were. Throws BuildError SANDBOX. */
export async function removeKeptRoots(parent: string, namespace: HostNamespace): Promise<number> {
  const names = await keptRoots(parent);
  for (const name of names) {
    const place = newPlace(parent);
    if (await takeKept(parent, name, place)) await removePlace(place, namespace);
  }
  return names.length;
}

function newPlace(parent: string): string {
  return join(parent, `${PREFIX}${randomBytes(8).toString("hex")}`);
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
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

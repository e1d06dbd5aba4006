// A Root on disk, for RUN: made once, kept over consecutive RUNs of a stage. What a step changed is what find(1) sees
// differently afterwards and what is really different from the layers. The directory belongs to this process: what
// killed builds have left is removed by the next one.
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type ByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { type FileSource, ownerState, ownerText, writeError } from "../../base/io/index.ts";
import { diffPaths, type LayerEntry, lookup, type TreeEntry, walk } from "../../tree/index.ts";
import { packPaths, readPacked } from "./changed-files.ts";
import { type HostNamespace, nameList, runTool } from "./host-tools.ts";
import { touchedPaths } from "./layer-update.ts";
import { materialise, removePaths } from "./materialise.ts";
import type { BuiltLayer, Root } from "./root.ts";
import { compareSnapshots, type Snapshot, takeSnapshot } from "./snapshot.ts";

export interface WorkRootOptions {
  readonly signal: AbortSignal;
}

const PREFIX = "root-";
const OWNER_FILE = "owner";
/** A directory whose owner cannot be asked, or that has none yet. */
const FOREIGN_MS = 24 * 3_600_000;
const NEVER = new AbortController().signal;

export class WorkRoot implements AsyncDisposable {
  /** The root file system: give this to the sandbox. */
  readonly directory: string;
  readonly #place: string;
  readonly #namespace: HostNamespace;
  readonly #signal: AbortSignal;
  #root: Root;
  #snapshot: Snapshot = new Map();
  /** Packed changes that no layer has yet. */
  #packed: FileSource[] = [];
  #packs = 0;

  private constructor(root: Root, place: string, namespace: HostNamespace, signal: AbortSignal) {
    this.#root = root;
    this.#place = place;
    this.directory = join(place, "root");
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
    const place = join(parent, `${PREFIX}${randomBytes(8).toString("hex")}`);
    const work = new WorkRoot(root, place, namespace, signal);
    try {
      await makeOwned(place, work.directory);
      await sweep(parent, namespace, (await stat(place)).mtimeMs);
      await materialise(namespace, work.directory, walk(await root.tree()), signal);
      await work.#lookAround();
      return work;
    } catch (error) {
      await work[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A layer that another step made: `root` has it on top. */
  async update(root: Root, layer: BuiltLayer): Promise<void> {
    const after = await root.tree();
    const { hidden, written } = touchedPaths(layer.entries, await this.#root.tree(), after);
    await removePaths(this.#namespace, this.directory, hidden, this.#signal);
    const present = written.map((path): TreeEntry | undefined => {
      const inode = lookup(after, path);
      return inode && { path, inode };
    });
    await materialise(
      this.#namespace,
      this.directory,
      present.filter((each) => each !== undefined),
      this.#signal,
    );
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
    const now = await takeSnapshot(this.#namespace, this.directory, this.#signal);
    const { candidates, gone } = compareSnapshots(this.#snapshot, now);
    const before = await this.#root.tree();
    const { present, late } = await this.#read(candidates, options.epochSeconds);
    const known = gone.filter((path) => lookup(before, path) !== undefined);
    const entries = diffPaths(before, present, known);
    this.#snapshot = now;
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
    const source = await packPaths(this.#namespace, this.directory, paths, target, this.#signal);
    // Open is enough: its space is free as soon as it is closed.
    await rm(target, { force: true });
    this.#packed.push(source);
    const ids = this.#namespace.ids;
    const options = epochSeconds === undefined ? { ids } : { ids, epochSeconds };
    return readPacked(source, await this.#root.tree(), options);
  }

  async #setTimes(paths: readonly ByteString[], seconds: number): Promise<void> {
    const prefix = `${utf8ToByteString(this.directory)}/`;
    const args = ["--null", "touch", "--no-dereference", "--no-create", `--date=@${seconds}`, "--"];
    await runTool(this.#namespace, "xargs", args, { input: nameList(paths, prefix), signal: this.#signal });
    await this.#lookAround();
  }

  async #lookAround(): Promise<void> {
    this.#snapshot = await takeSnapshot(this.#namespace, this.directory, this.#signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.settle(this.#root);
    await removePlace(this.#place, this.#namespace);
  }
}

/** Mode 0700: programs with setuid bits are nobody else's business. */
async function makeOwned(place: string, directory: string): Promise<void> {
  try {
    await mkdir(place, { mode: 0o700, recursive: true });
    await writeFile(join(place, OWNER_FILE), ownerText());
    await mkdir(directory);
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
  await runTool(namespace, "rm", ["-rf", "--", join(place, "root")], { signal: NEVER });
  await rm(place, { recursive: true, force: true });
}

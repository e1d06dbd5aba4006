// What a build works with: roots, and for RUN one user namespace, roots on disk, emulators, and a turn for each step.
// All of it is made when it is first asked for; what was made goes away with the build.
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { sweepPartials, writeError } from "../base/io/index.ts";
import type { ImageLayer } from "../oci/index.ts";
import type { BuildRequest, BuildServices } from "./request.ts";
import { type BuiltLayer, Root, type WorkRoot } from "./root/index.ts";
import type { Emulator, Namespace } from "./sandbox/index.ts";

export class Workshop implements AsyncDisposable {
  readonly #services: BuildServices;
  readonly #architecture: string;
  readonly #jobs: number;
  readonly #roots = new DisposableStack();
  readonly #mounted = new Map<string, Promise<WorkRoot>>();
  /** Roots on disk that are being turned back for the next ones, while the build goes on. */
  readonly #closing: Promise<void>[] = [];
  #namespace: Promise<Namespace> | undefined;
  #scratch: Promise<string> | undefined;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(request: BuildRequest, services: BuildServices) {
    this.#services = services;
    this.#architecture = request.buildPlatform.architecture;
    this.#jobs = request.jobs;
  }

  /** Of layers whose blobs the local store has; open as long as the build runs. */
  root(layers: readonly ImageLayer[]): Root {
    const { local, signal } = this.#services;
    return this.#roots.use(Root.of(local, layers, local.images, { signal }));
  }

  /** Throws BuildError SANDBOX with the cure. */
  namespace(): Promise<Namespace> {
    if (this.#namespace === undefined) {
      this.#namespace = import("./sandbox/index.ts").then(({ Namespace }) => Namespace.open(this.#services));
      // Whoever needs it hears of it.
      this.#namespace.catch(() => undefined);
    }
    return this.#namespace;
  }

  /** Undefined for programs that this machine runs by itself. */
  async emulator(architecture: string): Promise<Emulator | undefined> {
    if (architecture === this.#architecture) return undefined;
    const { findEmulator } = await import("./sandbox/index.ts");
    return findEmulator(architecture, this.#services.env);
  }

  /** A directory of this build's own; those of killed builds go. */
  scratch(): Promise<string> {
    this.#scratch ??= (async () => {
      const parent = await this.#directory("scratch");
      await sweepPartials(parent);
      const path = join(parent, `.build.${process.pid}.${randomBytes(6).toString("hex")}.partial`);
      await mkdir(path, { mode: 0o700 });
      return path;
    })();
    return this.#scratch;
  }

  /** A root on disk that belongs to the caller; `close` it. */
  async workRoot(root: Root): Promise<WorkRoot> {
    const namespace = this.namespace();
    const { WorkRoot } = await import("./root/index.ts");
    // One of them may be what is wanted.
    await Promise.allSettled(this.#closing);
    return WorkRoot.make(root, await this.#directory("work"), namespace, { signal: this.#services.signal });
  }

  close(work: WorkRoot): void {
    const closed = work[Symbol.asyncDispose]();
    // Heard of at the end.
    closed.catch(() => undefined);
    this.#closing.push(closed);
  }

  /** A root on disk that nobody writes to. */
  async mountedRoot(root: Root): Promise<string> {
    const key = rootKey(root);
    const mounted = this.#mounted.get(key) ?? this.workRoot(root);
    this.#mounted.set(key, mounted);
    return (await mounted).directory;
  }

  /** Runs `work` when fewer than `--jobs` others run. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running >= this.#jobs) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
    try {
      return await work();
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const root of await Promise.allSettled(this.#mounted.values()))
      if (root.status === "fulfilled") this.close(root.value);
    const closed = await Promise.allSettled(this.#closing);
    this.#roots.dispose();
    // What could not be made needs no end.
    await this.#namespace?.then((namespace) => namespace[Symbol.asyncDispose]()).catch(() => undefined);
    await this.#scratch?.then((path) => rm(path, { recursive: true, force: true })).catch(() => undefined);
    for (const each of closed) if (each.status === "rejected") throw each.reason;
  }

  async #directory(name: string): Promise<string> {
    const directory = join(this.#services.local.directory, "build", name);
    try {
      await mkdir(directory, { recursive: true });
    } catch (error) {
      throw writeError(directory, error);
    }
    return directory;
  }
}

/** The root of one stage on disk, kept from RUN to RUN as long as it can follow what the other steps do. */
export class StageDisk implements Disposable {
  readonly #workshop: Workshop;
  #work: WorkRoot | undefined;
  /** What the disk holds. */
  #key = "";

  constructor(workshop: Workshop) {
    this.#workshop = workshop;
  }

  /** The disk with exactly this root on it. */
  async open(root: Root): Promise<WorkRoot> {
    if (this.#work !== undefined && this.#key === rootKey(root)) return this.#work;
    this.drop();
    this.#work = await this.#workshop.workRoot(root);
    this.#key = rootKey(root);
    return this.#work;
  }

  /** A step beside RUN has made a layer on top of `before`. */
  async follow(before: Root, root: Root, layer: BuiltLayer): Promise<void> {
    if (this.#work === undefined) return;
    // A layer that came from the cache is not on the disk.
    if (this.#key !== rootKey(before)) {
      this.drop();
      return;
    }
    if (await this.#work.update(root, layer)) this.#key = rootKey(root);
    else this.drop();
  }

  /** No step of the stage runs any more: while the last one's layer is made, the disk becomes what it was. */
  turnBack(): void {
    this.#work?.turnBack();
  }

  /** The disk is what the layer of the last RUN was made from. */
  settle(root: Root): void {
    if (this.#work?.isTurnedBack === true) this.drop();
    this.#work?.settle(root);
    this.#key = rootKey(root);
  }

  drop(): void {
    if (this.#work !== undefined) this.#workshop.close(this.#work);
    this.#work = undefined;
  }

  [Symbol.dispose](): void {
    this.drop();
  }
}

/** Equal layers, equal files. */
export function rootKey(root: Root): string {
  return root.layers.map(({ diffId }) => diffId).join(" ");
}

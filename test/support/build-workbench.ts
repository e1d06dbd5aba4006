/** A store with a base image, contexts written from text, and `slipway build` over them: what the build tests share. */
import { type ChildProcess } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { start } from "../../src/base/process/index.ts";
import { type Image, LayoutStore, openImage } from "../../src/oci/index.ts";
import { Lister, type Listing } from "./build-listing.ts";
import { type Outcome, slipway, type SlipwayOptions } from "./slipway.ts";
import { tempDir, type TempFolder } from "./tools.ts";

const ROOT = dirname(dirname(import.meta.dirname));

export interface Files {
  readonly [path: string]: string | Uint8Array;
}

export interface BuildOptions extends SlipwayOptions {
  /** More arguments of `slipway build`. */
  readonly args?: readonly string[];
  /** Folder of the context; a new one unless given. */
  readonly context?: string;
}

export class Workbench implements Disposable {
  readonly folder: TempFolder = tempDir();
  readonly store: string = this.folder.join("store");
  #contexts = 0;

  /** `bases`: names in the store, and where each is, as `slipway copy` takes them. */
  static async make(bases: Readonly<Record<string, string>>): Promise<Workbench> {
    const bench = new Workbench();
    for (const [name, from] of Object.entries(bases)) succeeded(await bench.run(["copy", from, name]));
    return bench;
  }

  run(args: readonly string[], options: SlipwayOptions = {}): Promise<Outcome> {
    return slipway(["--store", this.store, ...args], options);
  }

  context(files: Files): string {
    const context = this.folder.join(`context-${this.#contexts++}`);
    writeFiles(context, files);
    return context;
  }

  /** Builds and tags `name`. */
  build(files: Files, name: string, { args = [], context, ...options }: BuildOptions = {}): Promise<Outcome> {
    const place = context ?? this.context(files);
    return this.run(["build", ...args, "-t", name, place], options);
  }

  /** The program itself, not by way of bin/: for tests that end it. */
  start(args: readonly string[]): ChildProcess {
    return start(process.execPath, [join(ROOT, "src", "main.ts"), "--store", this.store, ...args], {
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  async image(name: string): Promise<Image> {
    return await openImage(await LayoutStore.open(this.store), name);
  }

  async list(name: string, baseDiffId: string): Promise<Listing> {
    const lister = new Lister(this.folder.join("cache"));
    return await lister.list(await LayoutStore.open(this.store), name, baseDiffId);
  }

  [Symbol.dispose](): void {
    this.folder[Symbol.dispose]();
  }
}

export function writeFiles(folder: string, files: Files): void {
  mkdirSync(folder, { recursive: true });
  for (const [path, data] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), data);
  }
}

/** The outcome of a command that has to succeed. */
export function succeeded(outcome: Outcome): Outcome {
  if (outcome.exitCode !== 0) throw new Error(`exit ${outcome.exitCode}:\n${outcome.stdout}${outcome.stderr}`);
  return outcome;
}

export interface FileServer extends AsyncDisposable {
  readonly url: string;
}

/** Files of one folder on loopback over HTTP. */
export async function serveFiles(files: Files): Promise<FileServer> {
  const server = createServer((request, response) => {
    const data = files[basename(request.url ?? "/")];
    if (data === undefined) response.writeHead(404).end();
    else response.end(data);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

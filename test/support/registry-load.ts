/**
 * Many clients push and pull images with overlapping layers while the registry is killed (kill -9) and started again,
 * collects garbage every second, and others delete. What a client was told is there has to be there, byte for byte.
 */
import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  copyImage,
  describeBytes,
  type Descriptor,
  formatManifest,
  MEDIA_TYPE,
  MemoryStore,
} from "../../src/oci/index.ts";
import { bytesOnce } from "../../src/oci/store.ts";
import { REMOTE_LIMITS, RegistrySession, RegistryStore } from "../../src/oci/remote/index.ts";
import { fakeSettings } from "./registry-session.ts";
import { serveRegistry } from "./registry.ts";

export interface LoadOptions {
  readonly clients: number;
  readonly seconds: number;
  readonly killEveryMs: number;
  readonly layerBytes: number;
}

export interface LoadResult {
  readonly kills: number;
  readonly pushes: number;
  readonly pulls: number;
  /** Of clients, that their own tries did not get over. */
  readonly failures: readonly string[];
  /** Images that were pushed and not deleted, and are not there whole at the end. */
  readonly lost: readonly string[];
  /** Answers with another digest than was asked for. */
  readonly wrong: readonly string[];
}

const LAYERS = 24;
const LAYERS_EACH = 4;
const REPOSITORIES = 6;
/** So short that a collection finds something; so long that a client gets from its first layer to its manifest. */
const GRACE_SECONDS = 60;

export async function runLoad(directory: string, options: LoadOptions): Promise<LoadResult> {
  const argv = ["--no-log", "--gc-interval", "1", "--gc-grace", String(GRACE_SECONDS)];
  let server = await serveRegistry(directory, argv);
  const { host, url } = server;
  const port = Number(host.split(":")[1]);
  const layers = Array.from({ length: LAYERS }, () => randomBytes(options.layerBytes));
  const expected = new Map<string, { readonly repository: string; readonly descriptor: Descriptor }>();
  const failures: string[] = [];
  let pushes = 0;
  let pulls = 0;
  let kills = 0;
  const endMs = performance.now() + options.seconds * 1000;
  const isOver = (): boolean => performance.now() > endMs;

  const client = async (index: number): Promise<void> => {
    await using session = new RegistrySession({
      settings: fakeSettings(),
      userAgent: "slipway-load",
      env: {},
      // A server takes seconds to start where other suites run beside it.
      limits: { ...REMOTE_LIMITS, attempts: 60, firstAttempts: 60, maxDelayMs: 2000 },
    });
    for (let round = 0; !isOver(); round++) {
      const repository = `load/r${(index + round) % REPOSITORIES}`;
      const name = `c${index}-${round}`;
      const source = new MemoryStore();
      const descriptor = await makeImage(source, layers, name);
      const remote = RegistryStore.open({ registry: host, repository }, session);
      try {
        await copyImage(source, descriptor, remote, name);
        expected.set(name, { repository, descriptor });
        pushes++;
        // Verified on the way.
        await copyImage(remote, await remote.resolve(name), new MemoryStore(), name);
        pulls++;
        if (round % 3 === 1) {
          expected.delete(name);
          await remote.deleteManifest(descriptor.digest);
        }
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };
  const killer = async (): Promise<void> => {
    while (!isOver()) {
      await sleep(options.killEveryMs);
      await server.end("SIGKILL");
      kills++;
      server = await serveRegistry(directory, argv, port);
    }
  };
  await Promise.all([killer(), ...Array.from({ length: options.clients }, (_, index) => client(index))]);
  const lost: string[] = [];
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const [name, { repository, descriptor }] of expected) {
    const manifest = await fetch(`${url}/v2/${repository}/manifests/${name}`);
    const text = await manifest.text();
    if (!manifest.ok || digestOf(Buffer.from(text)) !== descriptor.digest) {
      lost.push(name);
      continue;
    }
    const { config, layers: named } = JSON.parse(text) as { config: Named; layers: Named[] };
    for (const { digest } of [config, ...named]) {
      if (seen.has(`${repository} ${digest}`)) continue;
      seen.add(`${repository} ${digest}`);
      const blob = await fetch(`${url}/v2/${repository}/blobs/${digest}`);
      const bytes = Buffer.from(await blob.arrayBuffer());
      if (!blob.ok) lost.push(`${name} ${digest}`);
      else if (digestOf(bytes) !== digest) wrong.push(digest);
    }
  }
  await server.end("SIGKILL");
  wrong.push(...failures.filter((failure) => /digest/.test(failure)));
  return { kills, pushes, pulls, failures, lost, wrong };
}

interface Named {
  readonly digest: string;
}

async function makeImage(store: MemoryStore, pool: readonly Uint8Array[], name: string): Promise<Descriptor> {
  const chosen = new Set(Array.from(randomBytes(LAYERS_EACH), (byte) => byte % pool.length));
  const layers = await Promise.all(
    [...chosen].map((index) => keep(store, MEDIA_TYPE.layerGzip, pool[index] as Buffer)),
  );
  const config = await keep(
    store,
    MEDIA_TYPE.config,
    Buffer.from(JSON.stringify({ os: "linux", architecture: "amd64", name })),
  );
  const manifest = formatManifest({ mediaType: MEDIA_TYPE.manifest, config, layers, annotations: {} });
  return await keep(store, MEDIA_TYPE.manifest, manifest);
}

async function keep(store: MemoryStore, mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
  const descriptor = describeBytes(mediaType, bytes);
  await store.push(descriptor, bytesOnce(bytes));
  return descriptor;
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

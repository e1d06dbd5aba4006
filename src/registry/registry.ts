// The whole registry: storage, access, mirror, server, and garbage collection now and then.
import { randomUUID } from "node:crypto";
import { type AccessPolicy, makeAccess } from "./auth/policy.ts";
import { StoredContent } from "./content.ts";
import type { Exchange } from "./http/exchange.ts";
import { PACE_LIMITS, type PaceLimits } from "./http/pace.ts";
import { Metrics } from "./metrics.ts";
import { Mirror } from "./mirror/mirror.ts";
import { type MirroredName, mirroredName } from "./mirror/names.ts";
import type { Upstream } from "./mirror/upstream.ts";
import type { RepositoryName } from "./names.ts";
import { Serial } from "./serial.ts";
import { listen, type LogLine, type RunningServer } from "./server.ts";
import { collectGarbage, type Collected } from "./storage/garbage.ts";
import { Storage } from "./storage/storage.ts";

export interface RegistryOptions extends Omit<AccessPolicy, "hasTls"> {
  /** Directory of the storage; made when it is not there. */
  readonly root: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly showMetrics: boolean;
  /** Where what is missing here is pulled from. */
  readonly upstreams?: readonly Upstream[];
  /** What nothing refers to and nobody relied on for so long is removed; a day unless told otherwise. */
  readonly graceMs?: number;
  /** Between two garbage collections; an hour unless told otherwise, 0: never. */
  readonly collectEveryMs?: number;
  readonly maxUploadsPerClient?: number;
  readonly pace?: PaceLimits;
  readonly onRequest: (line: LogLine) => void;
  readonly onError: (error: unknown) => void;
  /** Milliseconds on a clock that only goes forward. */
  readonly monotonicMs: () => number;
}

export interface Registry {
  /** `http://127.0.0.1:5000` */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  collect(): Promise<Collected>;
  /** Lets running requests finish for `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

const DAY_MS = 24 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;
/** Dozens of tools that push dozens of layers at once. */
const MAX_UPLOADS_PER_CLIENT = 2000;

/** Throws RegistryServerError, IoError. */
export async function startRegistry(options: RegistryOptions): Promise<Registry> {
  const access = await makeAccess({ ...options, hasTls: options.tls !== undefined });
  const storage = await Storage.open(options.root, {
    now: options.now,
    newId: randomUUID,
    readOnly: options.readOnly,
    graceMs: options.graceMs ?? DAY_MS,
    maxUploadsPerOwner: options.maxUploadsPerClient ?? MAX_UPLOADS_PER_CLIENT,
  });
  const metrics = new Metrics();
  const upstreams = options.upstreams ?? [];
  const mirror = new Mirror({ storage, metrics, now: options.now, onError: options.onError });
  const mirrored = ({ query }: Exchange, name: RepositoryName): MirroredName | undefined =>
    upstreams.length === 0 ? undefined : mirroredName(upstreams, name, query.get("ns"));
  const server = await listen({
    ...options,
    pace: options.pace ?? PACE_LIMITS,
    metrics,
    access,
    service: {
      storage,
      serial: new Serial(),
      content: (exchange, name) => {
        const found = mirrored(exchange, name);
        if (found !== undefined && exchange.query.has("ns"))
          exchange.response.setHeader("OCI-Namespace", found.upstream.host);
        return found === undefined ? new StoredContent(storage.repository(name)) : mirror.content(found);
      },
      isMirrored: (exchange, name) => mirrored(exchange, name) !== undefined,
      isAllowed: (exchange, action, name) => access.isAllowed(exchange, action, name),
    },
  });
  const collector = new Collector(storage, metrics, options);
  return {
    url: urlOf(server, options.tls !== undefined),
    host: server.host,
    port: server.port,
    collect: () => collector.collect(),
    stop: async (graceMs) => {
      await collector.stop();
      await server.stop(graceMs);
      await access.close();
    },
  };
}

/** Collects garbage now and then, one pass at a time. */
class Collector {
  readonly #storage: Storage;
  readonly #metrics: Metrics;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #running: Promise<Collected> | undefined;

  constructor(storage: Storage, metrics: Metrics, { readOnly, collectEveryMs = HOUR_MS, onError }: RegistryOptions) {
    this.#storage = storage;
    this.#metrics = metrics;
    if (readOnly || collectEveryMs === 0) return;
    this.#timer = setInterval(() => void this.collect().catch(onError), collectEveryMs);
    this.#timer.unref();
  }

  collect(): Promise<Collected> {
    this.#running ??= this.#collect().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #collect(): Promise<Collected> {
    const collected = await collectGarbage(this.#storage, this.#stop.signal);
    for (const [kind, count] of Object.entries(collected))
      this.#metrics.add("slipway_registry_collected_total", count as number, { kind });
    return collected;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#running?.catch(() => undefined);
  }
}

function urlOf({ host, port }: RunningServer, hasTls: boolean): string {
  return `${hasTls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

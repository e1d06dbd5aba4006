// A session with registries: connections, logins and settings shared by all stores of one command.
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Settings } from "../settings/types.ts";
import { Agents, type ProxyEnvironment } from "./agents.ts";
import { RegistryHost } from "./host.ts";
import { REMOTE_LIMITS, type RemoteLimits } from "./limits.ts";
import { OpenUploads } from "./open-uploads.ts";
import { discard } from "./read-body.ts";
import type { RetryClock } from "./retry.ts";
import { Transport } from "./transport.ts";

export interface SessionOptions {
  readonly settings: Settings;
  readonly userAgent: string;
  /** Stops everything that is under way. */
  readonly signal?: AbortSignal;
  /** Told before each further try. */
  readonly onRetry?: (message: string) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** 0 ≤ x < 1, for the jitter of pauses. */
  readonly random?: () => number;
  /** For HTTP_PROXY, HTTPS_PROXY, NO_PROXY; the process's own unless given. */
  readonly env?: ProxyEnvironment;
  readonly limits?: Partial<RemoteLimits>;
  /** A directory that remembers uploads which are under way, for a process after this one. */
  readonly uploadsDirectory?: string;
  /** False for hosts that are not to be connected to, wherever a redirect or a challenge leads; default: all may be. */
  readonly mayReach?: (url: URL) => boolean;
}

/** What the parts of the client share. */
export interface RemoteContext extends RetryClock {
  readonly settings: Settings;
  readonly transport: Transport;
}

export class RegistrySession implements AsyncDisposable {
  readonly context: RemoteContext;
  readonly openUploads: OpenUploads | undefined;
  readonly #agents: Agents;
  readonly #hosts = new Map<string, RegistryHost>();

  constructor(options: SessionOptions) {
    const { settings, signal } = options;
    const limits = { ...REMOTE_LIMITS, ...options.limits };
    this.#agents = new Agents(settings, options.env ?? process.env, options.mayReach);
    this.context = {
      settings,
      limits,
      signal,
      transport: new Transport(this.#agents, options.userAgent, limits, signal),
      now: options.now ?? (() => performance.timeOrigin + performance.now()),
      random: options.random ?? (() => randomInt(1000) / 1000),
      onRetry: options.onRetry ?? (() => undefined),
      sleep: (ms) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
    };
    const { uploadsDirectory } = options;
    this.openUploads = uploadsDirectory === undefined ? undefined : new OpenUploads(uploadsDirectory, this.context.now);
  }

  host(registry: string, insecure: boolean): RegistryHost {
    const key = `${registry} ${insecure}`;
    const host = this.#hosts.get(key) ?? new RegistryHost(this.context, registry, insecure);
    this.#hosts.set(key, host);
    return host;
  }

  /** Shows the registry the credentials that settings have for it, or for a namespace of it. Throws RegistryError. */
  async checkLogin(registry: string, namespace: string, insecure: boolean): Promise<void> {
    const answer = await this.host(registry, insecure).request({
      method: "GET",
      path: "/v2/",
      repository: namespace,
      scopes: new Map(),
      expect: [200],
      attempt: `log in to ${registry}`,
    });
    discard(answer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#agents[Symbol.dispose]();
    return Promise.resolve();
  }
}

/** Sessions with a fake registry: settings as values, short time-outs, no pauses between tries. */
import { join } from "node:path";
import { afterEach } from "vitest";
import type { Credentials, Endpoint, Settings } from "../../src/oci/settings/index.ts";
import {
  REMOTE_LIMITS,
  RegistrySession,
  RegistryStore,
  type RegistryStoreOptions,
  type SessionOptions,
} from "../../src/oci/remote/index.ts";
import { FakeRegistry, type FakeRegistryOptions } from "./fake-registry.ts";

export interface FakeSettings {
  readonly credentials?: Credentials;
  readonly mirrors?: readonly string[];
  readonly verify?: boolean;
  readonly ca?: readonly string[];
  readonly client?: { readonly cert: string; readonly key: string };
}

/** Everything is allowed to be plain HTTP unless `verify` says otherwise. */
export function fakeSettings(options: FakeSettings = {}): Settings {
  return {
    credentials: () => Promise.resolve(options.credentials),
    endpoints: (registry, repository) =>
      Promise.resolve<readonly Endpoint[]>([
        ...(options.mirrors ?? []).map((mirror) => ({
          registry: mirror,
          repository,
          insecure: false,
        })),
        { registry, repository, insecure: false },
      ]),
    pushEndpoint: (registry, repository) => Promise.resolve({ registry, repository, insecure: false }),
    usesAttachments: () => Promise.resolve(undefined),
    shortNameCandidates: () => Promise.reject(new Error("no short names here")),
    tls: () => Promise.resolve({ verify: options.verify ?? false, ca: options.ca ?? [], ...options.client }),
  };
}

export function openSession(settings: FakeSettings = {}, options: Partial<SessionOptions> = {}): RegistrySession {
  return new RegistrySession({
    settings: fakeSettings(settings),
    userAgent: "slipway-test",
    random: () => 0,
    // One certificate in place of the system's hundreds: read sooner.
    env: { SSL_CERT_FILE: join(import.meta.dirname, "../vectors/tls/expired.crt") },
    ...options,
    limits: { ...REMOTE_LIMITS, firstDelayMs: 1, maxDelayMs: 2, attempts: 3, firstAttempts: 3, ...options.limits },
  });
}

export interface Registries {
  readonly start: (options?: FakeRegistryOptions) => Promise<FakeRegistry>;
  readonly storeAt: (
    host: string,
    settings?: FakeSettings,
    options?: Partial<SessionOptions>,
    store?: RegistryStoreOptions,
  ) => RegistryStore;
}

/** Registries and stores that go away with each test. */
export function useRegistries(): Registries {
  const open: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
  });
  return {
    start: async (options) => {
      const registry = await FakeRegistry.start(options);
      open.push(registry);
      return registry;
    },
    storeAt: (registry, settings, options, store) => {
      const session = openSession(settings, options);
      open.push(session);
      return RegistryStore.open({ registry, repository: "team/app" }, session, store);
    },
  };
}

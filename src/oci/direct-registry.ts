// A registry that is asked itself: of this machine's settings only credentials and certificates count, not its mirrors,
// rewrites and blocks. What a mirror has in front of it.
import { REMOTE_LIMITS } from "./remote/limits.ts";
import type { RegistrySession } from "./remote/session.ts";
import type { RegistryStore } from "./remote/store.ts";
import type { Endpoint, Settings, SettingsOptions } from "./settings/types.ts";

export interface DirectRegistryOptions {
  /** HOST[:PORT] */
  readonly registry: string;
  /** Plain HTTP is allowed. */
  readonly insecure: boolean;
  readonly settings: SettingsOptions;
  readonly userAgent: string;
  /** False for hosts that are not to be followed to. */
  readonly mayReach: (url: URL) => boolean;
  readonly signal?: AbortSignal;
}

export interface DirectRegistry extends AsyncDisposable {
  open(repository: string): Promise<RegistryStore>;
}

/** Clients wait for the answers: less patience than a command has. */
const LIMITS = { ...REMOTE_LIMITS, connectMs: 5_000, answerMs: 30_000, attempts: 2 };

/** Nothing is read and nothing connected yet. */
export function openDirectRegistry(options: DirectRegistryOptions): DirectRegistry {
  const { registry, insecure, userAgent, mayReach, signal } = options;
  let session: Promise<RegistrySession> | undefined;
  const connect = async (): Promise<RegistrySession> => {
    const { openSettings } = await import("./settings/index.ts");
    const remote = await import("./remote/index.ts");
    const settings = direct(openSettings(options.settings), insecure);
    return new remote.RegistrySession({
      settings,
      userAgent,
      limits: LIMITS,
      mayReach,
      ...(signal === undefined ? {} : { signal }),
    });
  };
  return {
    open: async (repository) => {
      session ??= connect();
      const { RegistryStore } = await import("./remote/index.ts");
      return RegistryStore.open({ registry, repository }, await session);
    },
    [Symbol.asyncDispose]: async () => (await session)?.[Symbol.asyncDispose](),
  };
}

function direct(settings: Settings, insecure: boolean): Settings {
  const endpoint = (registry: string, repository: string): Endpoint => ({
    registry,
    repository,
    insecure,
  });
  return {
    credentials: (registry, repository) => settings.credentials(registry, repository),
    tls: (registry) => settings.tls(registry),
    shortNameCandidates: (name) => settings.shortNameCandidates(name),
    usesAttachments: () => Promise.resolve(undefined),
    endpoints: (registry, repository) => Promise.resolve([endpoint(registry, repository)]),
    pushEndpoint: (registry, repository) => Promise.resolve(endpoint(registry, repository)),
  };
}

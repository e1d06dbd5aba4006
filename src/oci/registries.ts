// The registries of one command: settings and a session that are opened when the first name leads there.
import type { Places } from "./open-reference.ts";
import type { RegistrySession } from "./remote/session.ts";
import { dockerScopes } from "./signature/policy/scopes.ts";
import type { Settings, SettingsOptions } from "./settings/index.ts";

export interface RegistriesOptions {
  readonly settings: SettingsOptions;
  readonly userAgent: string;
  readonly signal: AbortSignal;
  readonly onRetry: (message: string) => void;
  /** Remembers uploads that are under way. */
  readonly uploadsDirectory: string;
}

export type Registries = Required<Pick<Places, "registry" | "shortNameCandidates">> & AsyncDisposable;

/** Nothing is read and nothing connected yet. */
export function openRegistries(options: RegistriesOptions): Registries {
  let settings: Promise<Settings> | undefined;
  let session: Promise<RegistrySession> | undefined;
  const openSettings = (): Promise<Settings> =>
    (settings ??= import("./settings/index.ts").then((area) => area.openSettings(options.settings)));
  const openSession = (): Promise<RegistrySession> =>
    (session ??= Promise.all([import("./remote/index.ts"), openSettings()]).then(
      ([area, found]) =>
        new area.RegistrySession({
          settings: found,
          userAgent: options.userAgent,
          signal: options.signal,
          onRetry: options.onRetry,
          uploadsDirectory: options.uploadsDirectory,
          env: options.settings.env,
        }),
    ));
  return {
    registry: async (image, { mirrors = true } = {}) => {
      const { RegistryStore } = await import("./remote/index.ts");
      const hasAttachments = (await (await openSettings()).usesAttachments(dockerScopes(image))) !== false;
      return RegistryStore.open(image, await openSession(), { hasAttachments, mirrors });
    },
    shortNameCandidates: async (image) => (await openSettings()).shortNameCandidates(image),
    [Symbol.asyncDispose]: async () => (await session)?.[Symbol.asyncDispose](),
  };
}

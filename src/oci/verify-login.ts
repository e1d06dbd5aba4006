// Shows credentials to a registry before they are kept: GET /v2/, the API's version check (distribution-spec, "Endpoints").
import { type LoginTarget, openSettings, type SettingsOptions } from "./settings/index.ts";

export interface VerifyLoginOptions {
  readonly settings: SettingsOptions;
  readonly userAgent: string;
  readonly signal: AbortSignal;
  readonly onRetry: (message: string) => void;
}

/** Throws RegistryError: UNAUTHORIZED when the registry refuses them. */
export async function verifyLogin(
  { registry, namespace }: LoginTarget,
  credentials: { readonly username: string; readonly password: string },
  options: VerifyLoginOptions,
): Promise<void> {
  const { RegistryError, RegistrySession } = await import("./remote/index.ts");
  const known = openSettings(options.settings);
  // Those in question, never those that are stored.
  const settings = { ...known, credentials: () => Promise.resolve(credentials) };
  const { insecure } = await settings.pushEndpoint(registry, namespace);
  await using session = new RegistrySession({ ...options, settings, env: options.settings.env });
  try {
    await session.checkLogin(registry, namespace, insecure);
  } catch (error) {
    if (!(error instanceof RegistryError) || error.code !== "UNAUTHORIZED") throw error;
    throw new RegistryError(
      "UNAUTHORIZED",
      `cannot log in to ${registry}: it refuses ${JSON.stringify(credentials.username)} with this password`,
      { hint: "Check the name and the password; some registries want a token in place of it", cause: error },
    );
  }
}

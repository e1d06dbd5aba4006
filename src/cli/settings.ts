// The options about registries that a command was given, as the settings of the machine want them.
import type { Settings, SettingsOptions } from "../oci/index.ts";
import type { Context } from "./context.ts";

/** For --authfile, --cert-dir, --registries-conf, --tls-verify. */
export function settingsOptionsOf(context: Context, options: Readonly<Record<string, unknown>>): SettingsOptions {
  const { authfile, certDir, registriesConf, tlsVerify } = options;
  return {
    env: context.env,
    storeDescription: context.storePath,
    notify: (message) => context.progress.warn(message),
    ...(typeof authfile === "string" ? { authFile: authfile } : {}),
    ...(typeof certDir === "string" ? { certDir } : {}),
    ...(typeof registriesConf === "string" ? { registriesConf } : {}),
    ...(typeof tlsVerify === "boolean" ? { tlsVerify } : {}),
  };
}

/** Nothing is read before it is asked for. */
export async function settingsOf(context: Context, options: Readonly<Record<string, unknown>>): Promise<Settings> {
  const { openSettings } = await import("../oci/index.ts");
  return openSettings(settingsOptionsOf(context, options));
}

// The options about registries that a command was given, as the settings of the machine want them.
import type { SettingsOptions } from "../oci/index.ts";
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

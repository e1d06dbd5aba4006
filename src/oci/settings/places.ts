// Where the settings are kept, from the environment: containers-auth.json(5), containers-registries.conf(5),
// containers-registries.conf.d(5), containers-certs.d(5), and ostree's own files, which bootable systems carry.
import { homedir } from "node:os";
import { join } from "node:path";
import type { SettingsOptions } from "./types.ts";

export interface AuthPlace {
  readonly path: string;
  /** --authfile: must be there. */
  readonly isRequired?: boolean;
  /** ~/.dockercfg: the file is what `auths` is elsewhere. */
  readonly isLegacy?: boolean;
  /** For root only: what another user cannot read is not theirs. */
  readonly isSystem?: boolean;
}

export interface Places {
  /** In the order in which they are asked; login writes to the first. */
  readonly authFiles: readonly AuthPlace[];
  /** --registries-conf: nothing else is read. */
  readonly onlyRegistriesConf?: string;
  readonly systemRegistriesConf: string;
  readonly systemRegistriesConfDir: string;
  /** When this file is there, the system's are not read. */
  readonly userRegistriesConf: string;
  readonly userRegistriesConfDir: string;
  /** Aliases that tools have recorded. */
  readonly shortNameCache: string;
  /** --cert-dir. */
  readonly onlyCertDir?: string;
  /** The first that has a directory HOST:PORT counts. */
  readonly certDirs: readonly string[];
  /** registries.d: the first that is there counts. */
  readonly registriesDirs: readonly string[];
}

export function placesOf(options: SettingsOptions): Places {
  const { env } = options;
  const home = options.home ?? (env["HOME"] || homedir());
  const uid = options.uid ?? process.getuid?.() ?? 0;
  const system = (...parts: string[]): string => join(options.systemRoot ?? "/", ...parts);
  const configHome = env["XDG_CONFIG_HOME"] || join(home, ".config");
  const runtimeDir = env["XDG_RUNTIME_DIR"] || system("run/containers", String(uid));
  const primary = env["XDG_RUNTIME_DIR"] ? join(runtimeDir, "containers/auth.json") : join(runtimeDir, "auth.json");
  const dockerConfig = env["DOCKER_CONFIG"] || join(home, ".docker");
  const onlyRegistriesConf = options.registriesConf ?? env["CONTAINERS_REGISTRIES_CONF"];
  return {
    authFiles: [
      options.authFile === undefined
        ? { path: env["REGISTRY_AUTH_FILE"] || primary }
        : { path: options.authFile, isRequired: true },
      { path: join(configHome, "containers/auth.json") },
      { path: join(dockerConfig, "config.json") },
      { path: join(home, ".dockercfg"), isLegacy: true },
      { path: system("run/ostree/auth.json"), isSystem: true },
      { path: system("etc/ostree/auth.json"), isSystem: true },
      { path: system("usr/lib/ostree/auth.json"), isSystem: true },
    ],
    ...(onlyRegistriesConf ? { onlyRegistriesConf } : {}),
    systemRegistriesConf: system("etc/containers/registries.conf"),
    systemRegistriesConfDir: system("etc/containers/registries.conf.d"),
    userRegistriesConf: join(configHome, "containers/registries.conf"),
    userRegistriesConfDir: join(configHome, "containers/registries.conf.d"),
    shortNameCache:
      uid === 0
        ? system("var/cache/containers/short-name-aliases.conf")
        : join(env["XDG_CACHE_HOME"] || join(home, ".cache"), "containers/short-name-aliases.conf"),
    ...(options.certDir === undefined ? {} : { onlyCertDir: options.certDir }),
    // As the containers tools have it: whatever $XDG_CONFIG_HOME says.
    registriesDirs: [join(home, ".config/containers/registries.d"), system("etc/containers/registries.d")],
    certDirs: [join(configHome, "containers/certs.d"), system("etc/containers/certs.d"), system("etc/docker/certs.d")],
  };
}

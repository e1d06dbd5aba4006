// All registries.conf files as one: which are read and in which order is containers-registries.conf.d(5), what comes
// later wins.
import { join } from "node:path";
import { AUTH_FILES_HELPER } from "./credentials.ts";
import { SettingsError } from "./error.ts";
import type { Places } from "./places.ts";
import { listSettingsDirectory, readSettingsFile } from "./read-file.ts";
import { parseRegistriesConf, type RegistriesConf, type RegistryTable, type ShortNameMode } from "./registries-conf.ts";
import type { QualifiedName } from "../reference.ts";

export interface Registries {
  readonly tables: readonly RegistryTable[];
  readonly searchRegistries: readonly string[];
  /** The file that has the list of search registries. */
  readonly searchOrigin: string;
  readonly shortNameMode: ShortNameMode;
  readonly credentialHelpers: readonly string[];
  readonly helpersOrigin: string;
  readonly aliases: ReadonlyMap<string, { readonly target: QualifiedName; readonly origin: string }>;
  /** Files that were read, for messages; without any, those that were looked for. */
  readonly files: readonly string[];
  readonly isConfigured: boolean;
}

/** Throws SettingsError BAD_REGISTRIES_CONF, IO, LIMIT. */
export async function readRegistries(places: Places): Promise<Registries> {
  if (places.onlyRegistriesConf !== undefined) {
    const only = await readConf(places.onlyRegistriesConf);
    if (only !== undefined) return mergeRegistries([only], []);
    throw new SettingsError("BAD_REGISTRIES_CONF", `cannot read ${places.onlyRegistriesConf}: there is no such file`, {
      hint: "Name a file that exists with --registries-conf or CONTAINERS_REGISTRIES_CONF",
      data: { path: places.onlyRegistriesConf },
    });
  }
  const user = await readConf(places.userRegistriesConf);
  const system = user === undefined ? await readConf(places.systemRegistriesConf) : undefined;
  const confs = [
    system,
    ...(user === undefined ? await readDropIns(places.systemRegistriesConfDir) : []),
    user,
    ...(await readDropIns(places.userRegistriesConfDir)),
    // Recorded aliases win over written ones.
    await readConf(places.shortNameCache),
  ];
  return mergeRegistries(
    confs.filter((conf) => conf !== undefined),
    [places.systemRegistriesConf, places.userRegistriesConf],
  );
}

async function readDropIns(directory: string): Promise<(RegistriesConf | undefined)[]> {
  const confs = [];
  for (const name of (await listSettingsDirectory(directory)) ?? [])
    if (name.endsWith(".conf")) confs.push(await readConf(join(directory, name)));
  return confs;
}

async function readConf(path: string): Promise<RegistriesConf | undefined> {
  const text = await readSettingsFile(path);
  return text === undefined ? undefined : parseRegistriesConf(text, path);
}

export function mergeRegistries(confs: readonly RegistriesConf[], lookedFor: readonly string[]): Registries {
  const tables = new Map<string, RegistryTable>();
  const aliases = new Map<string, { target: QualifiedName; origin: string }>();
  for (const { path, registries, aliases: own } of confs) {
    for (const table of registries) tables.set(table.prefix, table);
    for (const [name, target] of own) {
      if (target === undefined) aliases.delete(name);
      else aliases.set(name, { target, origin: path });
    }
  }
  const search = confs.findLast((conf) => conf.searchRegistries !== undefined);
  const helpers = confs.findLast((conf) => (conf.credentialHelpers?.length ?? 0) > 0);
  return {
    tables: [...tables.values()],
    searchRegistries: search?.searchRegistries ?? [],
    searchOrigin: search?.path ?? "",
    shortNameMode: confs.findLast((conf) => conf.shortNameMode !== undefined)?.shortNameMode ?? "permissive",
    credentialHelpers: helpers?.credentialHelpers ?? [AUTH_FILES_HELPER],
    helpersOrigin: helpers?.path ?? "",
    aliases,
    files: confs.length === 0 ? lookedFor : confs.map((conf) => conf.path),
    isConfigured: confs.length > 0,
  };
}

// One registries.conf: containers-registries.conf(5), version 2, as plain values. Refused with file, line and key:
// what is no TOML, values of a wrong type, locations that are URLs or no names, version 1 ([registries.search]).
// Keys that it does not know are left alone: newer tools have more.
import { messageOf } from "../../base/errors.ts";
import { type ImageName, parseImageName, type QualifiedName } from "../reference.ts";
import { SettingsError } from "./error.ts";
import { lineOfKey } from "./toml-line.ts";

export type PullFromMirror = "all" | "digest-only" | "tag-only";

export interface Mirror {
  readonly location: string;
  readonly insecure: boolean;
  readonly pull: PullFromMirror;
}

export interface RegistryTable {
  /** HOST[:PORT][/PATH] or *.HOST; with the tag or digest that it ends in. */
  readonly prefix: string;
  /** Empty for a prefix with a wildcard that rewrites nothing. */
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly mirrors: readonly Mirror[];
  readonly origin: string;
}

export type ShortNameMode = "enforcing" | "permissive" | "disabled";

export interface RegistriesConf {
  readonly path: string;
  readonly registries: readonly RegistryTable[];
  readonly searchRegistries?: readonly string[];
  readonly shortNameMode?: ShortNameMode;
  readonly credentialHelpers?: readonly string[];
  /** Short name → full name; undefined takes an alias of an earlier file back. */
  readonly aliases: ReadonlyMap<string, QualifiedName | undefined>;
}

const MAX_LIST = 1000;

/** Throws SettingsError BAD_REGISTRIES_CONF. */
export async function parseRegistriesConf(text: string, path: string): Promise<RegistriesConf> {
  return new Parser(text, path).parse(await parseToml(text, path));
}

async function parseToml(text: string, path: string): Promise<Table> {
  // Loaded here so that commands without registries never pay for it.
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text);
  } catch (error) {
    const line = error instanceof TomlError ? error.line : undefined;
    const reason = messageOf(error).split("\n")[0]?.replace("Invalid TOML document: ", "");
    throw badConf(path, line, `it is no TOML: ${reason}`, error);
  }
}

type Table = Readonly<Record<string, unknown>>;

class Parser {
  readonly #text: string;
  readonly #path: string;

  constructor(text: string, path: string) {
    this.#text = text;
    this.#path = path;
  }

  parse(root: Table): RegistriesConf {
    if (root["registries"] !== undefined)
      throw this.#bad(
        "registries",
        "this is version 1 of the format, want [[registry]] and unqualified-search-registries",
      );
    const search = this.#strings(root, "unqualified-search-registries");
    for (const host of search ?? []) {
      if (!isLocation(host) || host.includes("/"))
        throw this.#bad("unqualified-search-registries", `${quote(host)} is no HOST[:PORT]`);
    }
    const mode = this.#choice(root, "short-name-mode", ["enforcing", "permissive", "disabled"], "");
    const helpers = this.#strings(root, "credential-helpers");
    const registries = this.#tables(root, "registry", "").map((table, index) => this.#registry(table, index));
    this.#assertNoConflicts(registries);
    return {
      path: this.#path,
      registries,
      ...(search === undefined ? {} : { searchRegistries: search }),
      ...(mode === undefined ? {} : { shortNameMode: mode }),
      ...(helpers === undefined ? {} : { credentialHelpers: helpers }),
      aliases: this.#aliases(root["aliases"] ?? {}),
    };
  }

  #registry(table: Table, index: number): RegistryTable {
    const where = `registry[${index}].`;
    const location = this.#location(table, where);
    const prefix = trimSlashes(this.#string(table, "prefix", where) ?? "") || location;
    if (prefix === "") throw this.#bad(`${where}location`, "there is neither prefix nor location");
    if (!isPrefix(prefix)) throw this.#bad(`${where}prefix`, `${quote(prefix)} is no HOST[:PORT][/PATH] and no *.HOST`);
    if (location === "" && !prefix.startsWith("*."))
      throw this.#bad(`${where}location`, "it is missing: only a prefix such as *.example.com can do without");
    const byDigestOnly = this.#boolean(table, "mirror-by-digest-only", where);
    const mirrors = this.#tables(table, "mirror", where).map((mirror, at): Mirror => {
      const here = `${where}mirror[${at}].`;
      const pull = this.#choice(mirror, "pull-from-mirror", ["all", "digest-only", "tag-only"], here);
      if (byDigestOnly && pull !== undefined)
        throw this.#bad(`${here}pull-from-mirror`, "it cannot be set beside mirror-by-digest-only of the registry");
      const target = this.#location(mirror, here);
      if (target === "") throw this.#bad(`${here}location`, "it is missing");
      return {
        location: target,
        insecure: this.#boolean(mirror, "insecure", here),
        pull: byDigestOnly ? "digest-only" : (pull ?? "all"),
      };
    });
    return {
      prefix,
      location,
      insecure: this.#boolean(table, "insecure", where),
      blocked: this.#boolean(table, "blocked", where),
      mirrors,
      origin: this.#path,
    };
  }

  /** A second table must not undo what the first one says about safety. */
  #assertNoConflicts(registries: readonly RegistryTable[]): void {
    const first = new Map<string, RegistryTable>();
    for (const [index, table] of registries.entries()) {
      const other = first.get(table.prefix);
      if (other !== undefined && (other.blocked !== table.blocked || other.insecure !== table.insecure)) {
        const key = other.blocked === table.blocked ? "insecure" : "blocked";
        throw this.#bad(`registry[${index}].${key}`, `another [[registry]] says otherwise for ${quote(table.prefix)}`);
      }
      first.set(table.prefix, table);
    }
  }

  #aliases(value: unknown): ReadonlyMap<string, QualifiedName | undefined> {
    if (!isTable(value)) throw this.#bad("aliases", "it is no table");
    const aliases = new Map<string, QualifiedName | undefined>();
    for (const [name, target] of Object.entries(value)) {
      const key = `aliases.${quote(name)}`;
      if (typeof target !== "string") throw this.#bad(key, "it is no text");
      const short = bareName(name);
      if (short === undefined || short.registry !== undefined)
        throw this.#bad(key, "the name must be short: no registry, tag or digest");
      const full = target === "" ? undefined : bareName(target);
      if (target !== "" && full?.registry === undefined)
        throw this.#bad(key, `${quote(target)} must have a registry and neither tag nor digest`);
      aliases.set(name, full === undefined ? undefined : { ...full, registry: full.registry ?? "" });
    }
    return aliases;
  }

  #location(table: Table, where: string): string {
    const location = trimSlashes(this.#string(table, "location", where) ?? "");
    if (location !== "" && !isLocation(location))
      throw this.#bad(`${where}location`, `${quote(location)} is no HOST[:PORT][/PATH]`);
    return location;
  }

  #string(table: Table, key: string, where: string): string | undefined {
    const value = table[key];
    if (value !== undefined && typeof value !== "string") throw this.#bad(where + key, "it is no text");
    return value;
  }

  #boolean(table: Table, key: string, where: string): boolean {
    const value = table[key] ?? false;
    if (typeof value !== "boolean") throw this.#bad(where + key, "want true or false");
    return value;
  }

  /** An empty text counts as unset. */
  #choice<T extends string>(table: Table, key: string, choices: readonly T[], where: string): T | undefined {
    const value = this.#string(table, key, where) ?? "";
    const choice = choices.find((one) => one === value);
    if (value !== "" && choice === undefined) throw this.#bad(where + key, `want one of ${choices.join(", ")}`);
    return choice;
  }

  #strings(table: Table, key: string): readonly string[] | undefined {
    const value = table[key];
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length > MAX_LIST || !value.every((one) => typeof one === "string"))
      throw this.#bad(key, `want a list of at most ${MAX_LIST} texts`);
    return value;
  }

  #tables(table: Table, key: string, where: string): readonly Table[] {
    const value = table[key] ?? [];
    if (!Array.isArray(value) || value.length > MAX_LIST || !value.every(isTable))
      throw this.#bad(where + key, `want at most ${MAX_LIST} tables [[${where.replace(/\[\d+\]/g, "")}${key}]]`);
    return value;
  }

  #bad(key: string, found: string): SettingsError {
    return badConf(this.#path, lineOfKey(this.#text, key), `${key}: ${found}`);
  }
}

/** A name without tag and digest, or undefined. */
function bareName(text: string): ImageName | undefined {
  try {
    const name = parseImageName(text);
    return name.tag === undefined && name.digest === undefined ? name : undefined;
  } catch {
    return undefined;
  }
}

/** HOST[:PORT][/PATH]: with one more part it must be the name of an image. */
function isLocation(text: string): boolean {
  return bareName(`${text}/x`)?.registry !== undefined;
}

function isPrefix(text: string): boolean {
  if (text.startsWith("*.")) return isLocation(text.slice(2)) && !text.includes("/");
  const version = /(?:@[^/]*|:[^/]*)$/.exec(text.slice(text.indexOf("/") + 1))?.[0] ?? "";
  return isLocation(text.includes("/") ? text.slice(0, text.length - version.length) : text);
}

function trimSlashes(text: string): string {
  return text.replace(/\/+$/, "");
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}

function badConf(path: string, line: number | undefined, found: string, cause?: unknown): SettingsError {
  return new SettingsError("BAD_REGISTRIES_CONF", `cannot read ${path}: ${line ? `line ${line}: ` : ""}${found}`, {
    hint: "Mend the file as containers-registries.conf(5) has it, or name another with --registries-conf",
    ...(cause === undefined ? {} : { cause }),
    data: { path, line: line ?? null },
  });
}

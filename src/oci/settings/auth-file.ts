// One auth file: containers-auth.json(5), Docker's config.json and the older ~/.dockercfg. The most specific key wins:
// HOST/NAMESPACE/REPOSITORY, then shorter ones, then HOST, then Docker's old keys (https://index.docker.io/v1/).
// Refused: what is no JSON object, and entries that are no base64 of USER:PASSWORD. Messages never quote the file: it
// holds secrets, and so do the messages of JSON.parse.
import { messageOf } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";
import { SettingsError } from "./error.ts";
import type { Credentials } from "./types.ts";

export interface AuthFile {
  readonly path: string;
  /** What the file says, whole: login gives unknown keys back. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly auths: ReadonlyMap<string, AuthEntry>;
  /** Registry → helper. */
  readonly credHelpers: ReadonlyMap<string, string>;
  /** The helper of all registries without an entry of their own. */
  readonly credsStore?: string;
}

interface AuthEntry {
  readonly auth?: string;
  readonly identitytoken?: string;
}

/** Throws SettingsError BAD_AUTH_FILE with path and line. */
export function parseAuthFile(text: string, path: string, options: { readonly isLegacy?: boolean } = {}): AuthFile {
  const parsed = parseObject(text, path);
  const json = options.isLegacy === true ? { auths: parsed } : parsed;
  const auths = new Map<string, AuthEntry>();
  for (const [key, entry] of Object.entries(objectAt(json, "auths", path))) {
    if (!isObject(entry)) throw badAuthFile(path, text, `"auths" has no object for "${key}"`, key);
    const { auth, identitytoken } = entry;
    auths.set(key, {
      ...(typeof auth === "string" && auth !== "" ? { auth } : {}),
      ...(typeof identitytoken === "string" && identitytoken !== "" ? { identitytoken } : {}),
    });
  }
  const credHelpers = new Map<string, string>();
  for (const [registry, helper] of Object.entries(objectAt(json, "credHelpers", path))) {
    if (typeof helper !== "string")
      throw badAuthFile(path, text, `"credHelpers" has no helper name for "${registry}"`, registry);
    credHelpers.set(registry, helper);
  }
  const credsStore = json["credsStore"];
  return { path, json, auths, credHelpers, ...(typeof credsStore === "string" && credsStore ? { credsStore } : {}) };
}

/** What the file itself stores for a name; an entry without content is none. Throws SettingsError BAD_AUTH_FILE. */
export function findCredentials(file: AuthFile, registry: string, repository: string): Credentials | undefined {
  const key = findKey(file, registry, repository);
  const entry = key === undefined ? undefined : file.auths.get(key);
  if (key === undefined || entry === undefined) return undefined;
  if (entry.identitytoken !== undefined) return { identityToken: entry.identitytoken };
  return entry.auth === undefined ? undefined : decodeAuth(entry.auth, key, file.path);
}

/** The key in `auths` that a name falls under. */
export function findKey(file: AuthFile, registry: string, repository: string): string | undefined {
  for (let name = repository === "" ? registry : `${registry}/${repository}`; ;) {
    if (file.auths.has(name)) return name;
    const slash = name.lastIndexOf("/");
    if (slash < 0) break;
    name = name.slice(0, slash);
  }
  return [...file.auths.keys()].find((key) => isOldKeyOf(key, registry));
}

/** The helper that `credHelpers` names for a registry, and the key it stands under. */
export function findHelper(
  file: AuthFile,
  registry: string,
): { readonly key: string; readonly helper: string } | undefined {
  const key = file.credHelpers.has(registry)
    ? registry
    : [...file.credHelpers.keys()].find((name) => isOldKeyOf(name, registry));
  const helper = key === undefined ? undefined : file.credHelpers.get(key);
  return key === undefined || helper === undefined ? undefined : { key, helper };
}

/** True for a key as older programs wrote it, a URL or another name of Docker Hub, that means the registry. */
export function isOldKeyOf(key: string, registry: string): boolean {
  return hostOfKey(key) === hostOfHub(registry);
}

/** Docker Hub has three names. */
function hostOfHub(registry: string): string {
  return registry === "index.docker.io" || registry === "registry-1.docker.io" ? "docker.io" : registry;
}

/** The host of an old key, which is a URL or ends in the version of the API; namespaces are no old keys. */
function hostOfKey(key: string): string | undefined {
  const host = /^https?:\/\/([^/]+)(?:\/.*)?$/.exec(key)?.[1] ?? /^([^/]+)(?:\/(?:v[12]\/)?)?$/.exec(key)?.[1];
  return host === undefined ? undefined : hostOfHub(host);
}

export function encodeAuth(username: string, password: string): string {
  return Buffer.from(`${username}:${password}`, "utf8").toString("base64");
}

function decodeAuth(auth: string, key: string, path: string): Credentials {
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(auth) && auth.replace(/=+$/, "").length % 4 !== 1;
  // Some writers pad the password with NULs.
  const text = isBase64 ? Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "") : "";
  const colon = text.indexOf(":");
  if (colon < 0) {
    throw new SettingsError(
      "BAD_AUTH_FILE",
      `cannot read the credentials of "${key}" in ${path}: "auth" is ${isBase64 ? "base64 of something else" : "no base64"}, want base64 of USER:PASSWORD`,
      { hint: `Log in again: slipway login --authfile ${path} ${key.split("/")[0]}`, data: { path, key } },
    );
  }
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function parseObject(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    const position = /at position (\d+)/.exec(messageOf(error))?.[1];
    const before = text.slice(0, position === undefined ? undefined : Number(position));
    // No cause: its message quotes the file.
    throw badAuthFile(path, before, "it is no JSON");
  }
  if (!isObject(value)) throw badAuthFile(path, "", "it is no JSON object");
  return value;
}

function objectAt(json: Readonly<Record<string, unknown>>, key: string, path: string): Record<string, unknown> {
  const value = json[key] ?? {};
  if (!isObject(value)) throw badAuthFile(path, "", `"${key}" is no object`);
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The line is that of `key`, or the last of `text`. */
function badAuthFile(path: string, text: string, found: string, key?: string): SettingsError {
  const at = key === undefined ? text.length : text.indexOf(JSON.stringify(key));
  const line = text.slice(0, Math.max(at, 0)).split("\n").length;
  return new SettingsError("BAD_AUTH_FILE", `cannot read ${path}: line ${line}: ${found}`, {
    hint: "Mend the file as containers-auth.json(5) has it, or name another with --authfile",
    data: { path, line },
  });
}

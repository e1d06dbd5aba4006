// Changing the credentials of this machine: login and logout. The file is replaced atomically with mode 0600 under a
// lock; other entries and keys that we do not know stay as they are. A helper that the file names for the registry gets
// the password in place of the file.
import { mkdir, realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AtomicFile, sweepPartials, withFileLock } from "../../base/io/index.ts";
import { type AuthFile, encodeAuth, findHelper, isOldKeyOf, parseAuthFile } from "./auth-file.ts";
import { CredentialHelper, helperRunner, isNotInstalled } from "./credential-helper.ts";
import { AUTH_FILES_HELPER, credsStoreKey } from "./credentials.ts";
import { SettingsError } from "./error.ts";
import type { LoginTarget } from "./login-target.ts";
import { placesOf } from "./places.ts";
import { readSettingsFile } from "./read-file.ts";
import { readRegistries } from "./registries.ts";
import type { RunHelper, SettingsOptions } from "./types.ts";

/** Keeps credentials; returns where. Throws SettingsError, IoError. */
export async function storeCredentials(
  options: SettingsOptions,
  target: LoginTarget,
  credentials: { readonly username: string; readonly password: string },
): Promise<string> {
  const { username, password } = credentials;
  const { path, helpers, runHelper, origin } = await openAuthStore(options);
  const [first = AUTH_FILES_HELPER] = helpers;
  if (first !== AUTH_FILES_HELPER) {
    await new CredentialHelper(first, origin, runHelper).store(wholeRegistry(target, first), username, password);
    return `docker-credential-${first}`;
  }
  return changeAuthFile(path, async (file) => {
    const helper = helperFor(file, target.registry);
    if (helper !== undefined) {
      const keeper = new CredentialHelper(helper.name, path, runHelper);
      await keeper.store(wholeRegistry(target, helper.name, helper.key), username, password);
      return { where: `docker-credential-${helper.name}` };
    }
    const auths = { ...entriesOf(file), [keyOf(target)]: { auth: encodeAuth(username, password) } };
    return { where: path, json: { ...file.json, auths } };
  });
}

/** Forgets one login. Throws SettingsError NOT_LOGGED_IN and others. */
export async function removeCredentials(options: SettingsOptions, target: LoginTarget): Promise<string> {
  const { path, helpers, runHelper, origin } = await openAuthStore(options);
  const places: string[] = [];
  const erase = async (name: string, named: string, key: string): Promise<void> => {
    try {
      if (await new CredentialHelper(name, named, runHelper).erase(key)) places.push(`docker-credential-${name}`);
    } catch (error) {
      // What is not there keeps nothing.
      if (!isNotInstalled(error)) throw error;
    }
  };
  for (const name of helpers) {
    if (name !== AUTH_FILES_HELPER) {
      if (target.namespace === "") await erase(name, origin, target.registry);
      continue;
    }
    await changeAuthFile(path, async (file) => {
      const helper = helperFor(file, target.registry);
      if (helper !== undefined && target.namespace === "") await erase(helper.name, path, helper.key);
      const entries = Object.entries(entriesOf(file));
      const kept = entries.filter(
        ([key]) => key !== keyOf(target) && !(target.namespace === "" && isOldKeyOf(key, target.registry)),
      );
      if (kept.length === entries.length) return { where: path };
      places.push(path);
      return { where: path, json: { ...file.json, auths: Object.fromEntries(kept) } };
    });
  }
  if (places.length > 0) return places.join(", ");
  throw new SettingsError("NOT_LOGGED_IN", `cannot log out of ${keyOf(target)}: ${path} has no login for it`, {
    hint: "Name the file of the login with --authfile",
    data: { path, key: keyOf(target) },
  });
}

/** Forgets all logins of the file and of the helpers it names for registries. */
export async function removeAllCredentials(options: SettingsOptions): Promise<string> {
  const { path, runHelper } = await openAuthStore(options);
  return changeAuthFile(path, async (file) => {
    for (const [registry, name] of file.credHelpers) await new CredentialHelper(name, path, runHelper).erase(registry);
    if (file.auths.size === 0 && file.credHelpers.size === 0) return { where: path };
    const { credHelpers: _, ...json } = file.json;
    return { where: path, json: { ...json, auths: {} } };
  });
}

async function openAuthStore(options: SettingsOptions): Promise<{
  readonly path: string;
  readonly helpers: readonly string[];
  readonly origin: string;
  readonly runHelper: RunHelper;
}> {
  const places = placesOf(options);
  const { credentialHelpers: helpers, helpersOrigin: origin } = await readRegistries(places);
  const path = places.authFiles[0]?.path ?? "";
  return { path, helpers, origin, runHelper: options.runHelper ?? helperRunner(options.env) };
}

/** Writes what `change` returns as `json`, or nothing. */
async function changeAuthFile(
  named: string,
  change: (file: AuthFile) => Promise<{ readonly where: string; readonly json?: object }>,
): Promise<string> {
  await mkdir(dirname(named), { recursive: true, mode: 0o700 });
  // A link stays a link: its target is replaced.
  const path = await realpath(named).catch(() => named);
  const directory = dirname(path);
  return withFileLock(join(directory, `.${basename(path)}.lock`), async (lock) => {
    await sweepPartials(directory);
    const text = await readSettingsFile(path);
    const { where, json } = await change(parseAuthFile(text ?? "{}", path));
    if (json !== undefined) {
      await using file = await AtomicFile.create(path, { mode: 0o600 });
      await file.write(0, Buffer.from(`${JSON.stringify(json, null, "\t")}\n`));
      await lock.assertHeld();
      await file.commit();
    }
    return where;
  });
}

/** `credsStore` keeps what has no helper of its own. */
function helperFor(file: AuthFile, registry: string): { readonly name: string; readonly key: string } | undefined {
  const own = findHelper(file, registry);
  if (own !== undefined) return { name: own.helper, key: own.key };
  return file.credsStore === undefined ? undefined : { name: file.credsStore, key: credsStoreKey(registry) };
}

/** Helpers know registries only. */
function wholeRegistry(target: LoginTarget, helper: string, key: string = target.registry): string {
  if (target.namespace === "") return key;
  throw new SettingsError(
    "BAD_OPTION",
    `cannot log in to ${keyOf(target)}: docker-credential-${helper} keeps logins of whole registries only`,
    { hint: `Log in to ${target.registry}` },
  );
}

function entriesOf(file: AuthFile): Readonly<Record<string, unknown>> {
  const auths = file.json["auths"];
  return typeof auths === "object" && auths !== null ? { ...auths } : {};
}

function keyOf({ registry, namespace }: LoginTarget): string {
  return namespace === "" ? registry : `${registry}/${namespace}`;
}

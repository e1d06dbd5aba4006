// From a registry's name to credentials: the auth files in their order, in each first its helper for that registry,
// then its entries, then its general helper; last the helpers of registries.conf.
import { type AuthFile, findCredentials, findHelper, parseAuthFile } from "./auth-file.ts";
import { CredentialHelper, isNotInstalled } from "./credential-helper.ts";
import { SettingsError } from "./error.ts";
import type { AuthPlace } from "./places.ts";
import { isPermissionError, readSettingsFile } from "./read-file.ts";
import type { Credentials, RunHelper } from "./types.ts";

/** In `credential-helpers` of registries.conf: the auth files. */
export const AUTH_FILES_HELPER = "containers-auth.json";
/** The name under which Docker's own programs keep the credentials of Docker Hub. */
const HUB_KEY = "https://index.docker.io/v1/";

export interface CredentialSources {
  readonly files: readonly AuthPlace[];
  /** `credential-helpers` of registries.conf and the file that has it. */
  readonly helpers: readonly string[];
  readonly helpersOrigin: string;
  readonly runHelper: RunHelper;
  readonly notify: (message: string) => void;
}

/** Throws SettingsError BAD_AUTH_FILE, HELPER_FAILED, IO, LIMIT. */
export async function lookUpCredentials(
  sources: CredentialSources,
  registry: string,
  repository: string,
): Promise<Credentials | undefined> {
  for (const helper of sources.helpers) {
    const found =
      helper === AUTH_FILES_HELPER
        ? await fromFiles(sources, registry, repository)
        : await new CredentialHelper(helper, sources.helpersOrigin, sources.runHelper).get(registry);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function fromFiles(
  sources: CredentialSources,
  registry: string,
  repository: string,
): Promise<Credentials | undefined> {
  for (const place of sources.files) {
    const file = await readAuthFile(place);
    if (file === undefined) continue;
    const own = findHelper(file, registry);
    const found =
      own === undefined
        ? (findCredentials(file, registry, repository) ?? (await fromCredsStore(file, registry, sources)))
        : await new CredentialHelper(own.helper, file.path, sources.runHelper).get(own.key);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Files are copied between machines with the name of a helper that only one of them has. */
async function fromCredsStore(
  file: AuthFile,
  registry: string,
  { runHelper, notify }: CredentialSources,
): Promise<Credentials | undefined> {
  if (file.credsStore === undefined) return undefined;
  const helper = new CredentialHelper(file.credsStore, file.path, runHelper);
  try {
    return await helper.get(credsStoreKey(registry));
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    notify(`${file.path} names the credential helper docker-credential-${helper.name}, which is not installed`);
    return undefined;
  }
}

export function credsStoreKey(registry: string): string {
  return registry === "docker.io" ? HUB_KEY : registry;
}

/** Undefined when there is none. Throws SettingsError BAD_AUTH_FILE, IO, LIMIT. */
export async function readAuthFile(place: AuthPlace): Promise<AuthFile | undefined> {
  let text: string | undefined;
  try {
    text = await readSettingsFile(place.path);
  } catch (error) {
    if (place.isSystem === true && isPermissionError(error)) return undefined;
    throw error;
  }
  if (text === undefined && place.isRequired === true) {
    throw new SettingsError("BAD_AUTH_FILE", `cannot read ${place.path}: there is no such file`, {
      hint: `Make it with: slipway login --authfile ${place.path} REGISTRY`,
      data: { path: place.path },
    });
  }
  return text === undefined ? undefined : parseAuthFile(text, place.path, { isLegacy: place.isLegacy === true });
}

// Where the names of images lead for a command: the local store, files, and registries with the user's settings; and
// what the user's policy says of the images there.
import { join } from "node:path";
import {
  assertAllowed,
  type Descriptor,
  type LocalStore,
  type Located,
  openLocalStore,
  openRegistries,
  type Places,
  type Policy,
  type Reference,
  referenceFound,
  type Registries,
} from "../oci/index.ts";
import type { Context } from "./context.ts";
import { policyOf } from "./policy.ts";
import { settingsOptionsOf } from "./settings.ts";
import { VERSION } from "./version.ts";

export interface CommandPlaces extends Required<Places>, AsyncDisposable {
  readonly local: LocalStore;
  /**
   * To be asked once a name is resolved, before anything of the image is used. `instance` is the image chosen from an
   * index. Throws SignatureError REFUSED.
   */
  assertAllowed(reference: Reference, located: Located, descriptor: Descriptor, instance?: Descriptor): Promise<void>;
  /** Registries that are opened from now on read the settings anew: somebody has logged in. */
  reconnect(): void;
}

/** Makes the local store where there is none; no settings are read and nothing is connected yet. */
export async function openPlaces(context: Context, options: Readonly<Record<string, unknown>>): Promise<CommandPlaces> {
  const local = await openLocalStore(context.storePath);
  const connect = (): Registries =>
    openRegistries({
      settings: settingsOptionsOf(context, options),
      userAgent: `slipway/${VERSION}`,
      signal: context.signal,
      onRetry: (message) => context.progress.warn(message),
      uploadsDirectory: join(context.storePath, "uploads"),
    });
  const connections = [connect()];
  const latest = (): Registries => connections.at(-1) as Registries;
  let policy: Promise<Policy> | undefined;
  return {
    local,
    images: local.images,
    registry: (image, use) => latest().registry(image, use),
    shortNameCandidates: (image) => latest().shortNameCandidates(image),
    reconnect: () => void connections.push(connect()),
    assertAllowed: async (reference, located, descriptor, instance) => {
      policy ??= policyOf(context, options);
      const image = {
        reference: referenceFound(reference, located),
        store: located.store,
        descriptor,
        storeDirectory: context.storePath,
      };
      await assertAllowed(instance === undefined ? image : { ...image, instance }, await policy);
    },
    [Symbol.asyncDispose]: async () => {
      for (const each of connections) await each[Symbol.asyncDispose]();
    },
  };
}

/** Where Slipway's own settings of a user are. */
export function configPath(env: Context["env"], name: string): string {
  const home = env["XDG_CONFIG_HOME"];
  return join(home === undefined || home === "" ? join(env["HOME"] ?? "/", ".config") : home, "slipway", name);
}

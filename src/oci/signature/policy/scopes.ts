// Where an image stands in a policy, containers-policy.json(5) "Supported transports and their scopes": the scopes that
// match it, most specific first, and the name that signatures are compared with.
import { realpath } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Located } from "../../open-reference.ts";
import { formatImageName, type ImageName, parseImageName, type Reference, withDefaults } from "../../reference.ts";
import { expandedName } from "../identity.ts";

export interface PolicyPlace {
  /** As policies name it; Slipway's own store counts as `containers-storage`. */
  readonly transport: string;
  /** Without the transport's default, ""; undefined when it cannot be told which scopes match. */
  readonly scopes: readonly string[] | undefined;
  /** In the local store: what is there passed a policy on its way in or was made here, so that only rules for it count. */
  readonly isOwn?: boolean;
  /** In full; undefined for transports whose images have no name that means something elsewhere. */
  readonly identity: ImageName | undefined;
}

/** What a name turned out to mean: one without transport may be in the local store or in a registry. */
export function referenceFound(
  reference: Reference,
  { isLocal, name, registryName }: Pick<Located, "isLocal" | "name" | "registryName">,
): Reference {
  if (reference.transport !== "store") return reference;
  if (isLocal && name !== undefined) return { transport: "store", image: parseImageName(name) };
  return registryName === undefined ? reference : { transport: "docker", image: registryName };
}

/** `storeDirectory` is the local store's. */
export async function policyPlace(reference: Reference, storeDirectory: string): Promise<PolicyPlace> {
  switch (reference.transport) {
    case "docker": {
      const { image } = reference;
      return { transport: "docker", scopes: dockerScopes(image), identity: fullName(image) };
    }
    case "store": {
      const identity = fullName({ registry: "localhost", ...reference.image });
      const store = `[${storeDirectory}]`;
      const scopes = [...nameScopes(identity).map((scope) => `${store}${scope}`), store];
      return { transport: "containers-storage", scopes, identity, isOwn: true };
    }
    case "oci":
    case "oci-archive":
    case "dir":
      return { transport: reference.transport, scopes: await pathScopes(reference.path), identity: undefined };
    case "containers-storage":
      // Its scopes start with podman's storage driver and directory; the name alone does not tell them.
      return { transport: "containers-storage", scopes: undefined, identity: nameOf(reference.name) };
    case "docker-archive":
      return { transport: "docker-archive", scopes: [], identity: nameOf(reference.name) };
  }
}

/** As policies and registries.d have them. */
export function dockerScopes(image: ImageName): readonly string[] {
  const name = fullName(image);
  return [...nameScopes(name), ...wildcards(name.registry)];
}

function nameOf(text: string | undefined): ImageName | undefined {
  const name = text === undefined ? undefined : expandedName(text);
  return name === undefined ? undefined : withDefaults(name);
}

/** With a digest the tag does not matter: the digest says which image is meant. */
function fullName(image: ImageName): ImageName & { readonly registry: string } {
  const name = expandedName(formatImageName(withDefaults(image)));
  if (name?.registry === undefined) throw new TypeError(`not an image name: ${formatImageName(image)}`);
  const { registry, repository, tag, digest } = name;
  return { registry, repository, ...(digest !== undefined ? { digest } : tag !== undefined ? { tag } : {}) };
}

/** The name, its repository, the namespaces above, the host. */
function nameScopes(name: ImageName): string[] {
  const parts = `${name.registry}/${name.repository}`.split("/");
  return [formatImageName(name), ...parts.map((_, index) => parts.slice(0, parts.length - index).join("/"))];
}

/** `a.example.com:5000` → `*.example.com`, `*.com`. */
function wildcards(registry: string): string[] {
  const labels = registry.replace(/:[0-9]+$/, "").split(".");
  return labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join(".")}`);
}

/** The path without symbolic links and the directories above it, but not the root. */
async function pathScopes(path: string): Promise<string[]> {
  const scopes: string[] = [];
  for (let at = await realpath(path).catch(() => resolve(path)); at !== dirname(at); at = dirname(at)) scopes.push(at);
  return scopes;
}

// Which name a signature must have been made for (containers-policy.json(5) "signedIdentity"). Names are compared in
// their expanded form: `busybox` is `docker.io/library/busybox`.
import { OciError } from "../error.ts";
import { formatImageName, type ImageName, parseImageName, repositoryAt } from "../reference.ts";

export type IdentityRule =
  | { readonly type: "matchExact" | "matchRepoDigestOrExact" | "matchRepository" }
  | { readonly type: "exactReference"; readonly dockerReference: string }
  | { readonly type: "exactRepository"; readonly dockerRepository: string }
  | { readonly type: "remapIdentity"; readonly prefix: string; readonly signedPrefix: string };

/**
 * Undefined when the rule accepts the name that a signature claims, else why not. `intended` is the name that the image
 * was asked for by; transports without such names have none.
 */
export function refuseIdentity(
  rule: IdentityRule,
  intended: ImageName | undefined,
  claimed: string | undefined,
): string | undefined {
  if (claimed === undefined) return "it names no repository, and the rule wants one";
  const signed = expandedName(claimed);
  if (signed === undefined) return `it is made for ${JSON.stringify(claimed.slice(0, 200))}, which is no image name`;
  const wanted = wantedName(rule, intended);
  if (typeof wanted === "string") return wanted;
  const whole = comparesWhole(rule, wanted);
  // A rule for whole names never accepts a bare repository: it would stand for every tag.
  const fits = whole ? isWhole(wanted) && sameName(wanted, signed) : sameRepository(wanted, signed);
  const mayBeBare = rule.type === "matchRepository" || rule.type === "exactRepository";
  if (fits && (mayBeBare || isWhole(signed))) return undefined;
  const shown = whole ? formatImageName(wanted) : repositoryOf(wanted);
  const bare = !mayBeBare && !isWhole(signed) ? " with a tag" : "";
  return `it is made for ${formatImageName(signed)}, wanted is ${shown}${bare} (${rule.type})`;
}

/** The name to compare with, or why there is none. */
function wantedName(rule: IdentityRule, intended: ImageName | undefined): ImageName | string {
  switch (rule.type) {
    case "exactReference":
      return expandedName(rule.dockerReference) ?? `${JSON.stringify(rule.dockerReference)} is no image name`;
    case "exactRepository":
      return expandedName(rule.dockerRepository) ?? `${JSON.stringify(rule.dockerRepository)} is no repository`;
    default: {
      if (intended === undefined)
        return `the image's transport gives it no name, so ${rule.type} accepts nothing: use exactReference or exactRepository`;
      const name = expand(intended);
      if (rule.type !== "remapIdentity") return name;
      return remap(name, rule) ?? `${rule.signedPrefix} in place of ${rule.prefix} makes no image name`;
    }
  }
}

function comparesWhole(rule: IdentityRule, wanted: ImageName): boolean {
  switch (rule.type) {
    case "matchExact":
    case "exactReference":
      return true;
    case "matchRepository":
    case "exactRepository":
      return false;
    default:
      // A digest says which image is meant, and the digest is checked anyway.
      return wanted.digest === undefined;
  }
}

function remap(
  name: ImageName,
  rule: { readonly prefix: string; readonly signedPrefix: string },
): ImageName | undefined {
  const repository = repositoryOf(name);
  if (repository !== rule.prefix && !repository.startsWith(`${rule.prefix}/`)) return name;
  return expandedName(rule.signedPrefix + formatImageName(name).slice(rule.prefix.length));
}

/** In full, or undefined for what is no image name. */
export function expandedName(text: string): ImageName | undefined {
  try {
    return expand(parseImageName(text));
  } catch (error) {
    if (error instanceof OciError) return undefined;
    throw error;
  }
}

function expand(name: ImageName): ImageName & { readonly registry: string } {
  const registry = name.registry === undefined || name.registry === "index.docker.io" ? "docker.io" : name.registry;
  return { ...name, registry, repository: repositoryAt(registry, name.repository) };
}

function repositoryOf({ registry, repository }: ImageName): string {
  return `${registry}/${repository}`;
}

function isWhole({ tag, digest }: ImageName): boolean {
  return tag !== undefined || digest !== undefined;
}

function sameRepository(a: ImageName, b: ImageName): boolean {
  return repositoryOf(a) === repositoryOf(b);
}

function sameName(a: ImageName, b: ImageName): boolean {
  return sameRepository(a, b) && a.tag === b.tag && a.digest === b.digest;
}

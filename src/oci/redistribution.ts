// The push guard: images that may be used but not given to everybody. A rule knows a base by labels, which derived images
// inherit, or by its layers; what it means is a question to the person who pushes, never a judgement.
import { type Digest, isDigest } from "../base/digest.ts";
import { parseJson } from "../base/json.ts";
import { OciError } from "./error.ts";
import { asArray, asObject, asString, asStringList, asStringMap, at, optional, type Place, refuse } from "./json.ts";

export interface RedistributionRule {
  /** The base, for messages. */
  readonly base: string;
  readonly licence: string;
  /** Each label that is named must match its regular expression. */
  readonly labels?: Readonly<Record<string, string>>;
  /** DiffIds or blob digests of the base's layers: one is enough. */
  readonly layers?: readonly string[];
}

/** What the vendors say on the images themselves; their freely redistributable bases say so with other values. */
export const REDISTRIBUTION_RULES: readonly RedistributionRule[] = [
  {
    base: "Red Hat Enterprise Linux (rhel-bootc)",
    licence: "the Red Hat Enterprise Agreement",
    labels: { "com.redhat.component": "^rhel-bootc" },
  },
  {
    base: "Red Hat Enterprise Linux in image mode",
    licence: "the Red Hat Enterprise Agreement",
    labels: { "redhat.id": "^rhel$", "containers.bootc": "" },
  },
  {
    base: "an image under Red Hat's terms for subscribers",
    licence: "the agreement that com.redhat.license_terms names",
    labels: { "com.redhat.license_terms": "^(?!.*#UBI$)." },
  },
  {
    base: "SUSE Linux Enterprise",
    licence: "the SUSE end user licence agreement",
    labels: { "com.suse.eula": "^(?!sle-bci$)." },
  },
];

/** Registries where a repository is open to everybody unless its owner closes it. */
const PUBLIC_REGISTRIES: readonly RegExp[] = [
  /^docker\.io$/,
  /^(index|registry-1)\.docker\.io$/,
  /^quay\.io$/,
  /^ghcr\.io$/,
  /^public\.ecr\.aws$/,
  /^registry\.gitlab\.com$/,
  /^codeberg\.org$/,
  /^ttl\.sh$/,
];

export function isPublicRegistry(registry: string): boolean {
  return PUBLIC_REGISTRIES.some((pattern) => pattern.test(registry));
}

export interface GuardedImage {
  readonly labels: Readonly<Record<string, string>>;
  /** DiffIds and digests of its layers. */
  readonly layers: readonly Digest[];
}

/** The first rule that knows the image's base. */
export function findRestriction(
  image: GuardedImage,
  rules: readonly RedistributionRule[] = REDISTRIBUTION_RULES,
): RedistributionRule | undefined {
  return rules.find(({ labels, layers }) => {
    const byLabels =
      labels !== undefined &&
      Object.entries(labels).every(([key, pattern]) => {
        const found = image.labels[key];
        return found !== undefined && new RegExp(pattern).test(found);
      });
    return byLabels || (layers ?? []).some((layer) => image.layers.some((each) => each === layer));
  });
}

const MAX_RULES = 1000;

/** Further rules, as in `[{"base": "…", "licence": "…", "labels": {…}, "layers": ["sha256:…"]}]`. Throws BAD_MANIFEST. */
export function parseRedistributionRules(text: string, document: string): RedistributionRule[] {
  const place: Place = { document, path: "" };
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    return refuse(place, "JSON", text.slice(0, 40));
  }
  return asArray(value, place, MAX_RULES).map((item, index) => {
    const here = at(place, index);
    const object = asObject(item, here);
    const labels = optional(object["labels"], at(here, "labels"), asStringMap);
    const layers = optional(object["layers"], at(here, "layers"), asStringList);
    for (const [key, pattern] of Object.entries(labels ?? {})) assertPattern(pattern, at(at(here, "labels"), key));
    const wrong = layers?.find((layer) => !isDigest(layer));
    if (wrong !== undefined) return refuse(at(here, "layers"), "sha256: and 64 lower-case hex digits", wrong);
    if (labels === undefined && layers === undefined) return refuse(here, "labels or layers", item);
    return {
      base: asString(object["base"], at(here, "base")),
      licence: asString(object["licence"], at(here, "licence")),
      ...(labels === undefined ? {} : { labels }),
      ...(layers === undefined ? {} : { layers }),
    };
  });
}

function assertPattern(pattern: string, place: Place): void {
  try {
    new RegExp(pattern);
  } catch {
    refuse(place, "a regular expression", pattern);
  }
}

/** Throws OciError RESTRICTED. */
export function assertRedistributable(
  image: GuardedImage,
  registry: string,
  rules?: readonly RedistributionRule[],
): void {
  const rule = isPublicRegistry(registry) ? findRestriction(image, rules) : undefined;
  if (rule === undefined) return;
  throw new OciError(
    "RESTRICTED",
    `cannot push to ${registry}, where everybody may pull: the image is made of ${rule.base}, and ${rule.licence} forbids to redistribute it publicly`,
    {
      hint: "Push to a registry of your own, or give --allow-redistribution if the repository is private or you have the right",
      data: { registry, base: rule.base, licence: rule.licence },
    },
  );
}

// Names in requests (distribution-spec "Pulling manifests"; image-spec descriptor.md "Digests"). A value of these types has
// passed its regular expression, and paths on disk are made of these types only: no name leads out of the root.
import { isRepositoryName as isRepository, isTag } from "../oci/index.ts";
import { RequestError } from "./error.ts";

declare const brand: unique symbol;
export type RepositoryName = string & { readonly [brand]: "repository" };
export type TagName = string & { readonly [brand]: "tag" };
/** `sha256:…` or `sha512:…`: wider than base/digest, which is about what Slipway itself makes. */
export type ContentDigest = string & { readonly [brand]: "digest" };
export type DigestAlgorithm = "sha256" | "sha512";

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isRepositoryName(text: string): text is RepositoryName {
  return isRepository(text);
}

export function isTagName(text: string): text is TagName {
  return isTag(text);
}

export function isContentDigest(text: string): text is ContentDigest {
  return DIGEST.test(text);
}

/** Throws NAME_INVALID. */
export function parseRepositoryName(text: string): RepositoryName {
  if (isRepositoryName(text)) return text;
  throw new RequestError(
    "NAME_INVALID",
    `cannot use repository name ${quote(text)}: want lower-case letters, digits, . _ - /`,
  );
}

/** Throws DIGEST_INVALID. */
export function parseContentDigest(text: string): ContentDigest {
  if (isContentDigest(text)) return text;
  throw new RequestError(
    "DIGEST_INVALID",
    `cannot use digest ${quote(text)}: want sha256 or sha512 and lower-case hex digits`,
  );
}

/** Throws DIGEST_INVALID. */
export function parseAlgorithm(text: string): DigestAlgorithm {
  if (text === "sha256" || text === "sha512") return text;
  throw new RequestError("DIGEST_INVALID", `cannot use digest algorithm ${quote(text)}: want sha256 or sha512`);
}

export function algorithmOf(digest: ContentDigest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** Text from a client, for a message to it. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

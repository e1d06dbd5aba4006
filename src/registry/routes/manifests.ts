// Manifests by tag and by digest (distribution-spec "Pulling manifests", "Pushing Manifests", "Deleting Manifests").
import { createHash } from "node:crypto";
import { RequestError } from "../error.ts";
import type { Exchange } from "../http/exchange.ts";
import { MAX_MANIFEST_BYTES } from "../../oci/index.ts";
import { type ManifestFacts, references } from "../manifest.ts";
import {
  algorithmOf,
  type ContentDigest,
  isTagName,
  parseContentDigest,
  quote,
  type RepositoryName,
  type TagName,
} from "../names.ts";
import type { Repository } from "../storage/repository.ts";
import { matches } from "./blobs.ts";
import type { Service } from "./service.ts";

const MAX_TAGS_PER_PUSH = 100;

export async function getManifest(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  reference: string,
): Promise<void> {
  const found = await service.content(exchange, name).manifest(parseReference(reference));
  if (found === undefined) throw unknownManifest(reference);
  const { mediaType, digest } = found.record;
  const headers = { "Docker-Content-Digest": digest, ETag: `"${digest}"` };
  if (matches(exchange.header("if-none-match"), digest)) exchange.empty(304, headers);
  else exchange.bytes(200, found.bytes, { "Content-Type": mediaType, ...headers });
}

export async function putManifest(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  reference: string,
): Promise<void> {
  const bytes = await exchange.readBody(MAX_MANIFEST_BYTES);
  const target = readTarget(reference, exchange.query);
  const digest = digestOf(bytes, target.digest);
  const contentType = (exchange.header("content-type") ?? "").split(";")[0]?.trim() ?? "";
  const facts = references(bytes, contentType);
  const repository = service.storage.repository(name);
  await service.serial.run(name, async () => {
    await assertBlobs(repository, facts);
    const { blobs: _, ...record } = facts;
    await repository.putManifest({ ...record, digest, size: bytes.length }, bytes);
    for (const tag of target.tags) await repository.putTag(tag, digest);
  });
  exchange.empty(201, {
    Location: `/v2/${name}/manifests/${reference}`,
    "Docker-Content-Digest": digest,
    ...(facts.subject === undefined ? {} : { "OCI-Subject": facts.subject }),
    ...(exchange.query.has("tag") ? { "OCI-Tag": target.tags.join(", ") } : {}),
  });
}

/** A tag is forgotten; a manifest goes with all its tags. */
export async function deleteManifest(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  text: string,
): Promise<void> {
  const reference = parseReference(text);
  const repository = service.storage.repository(name);
  await service.serial.run(name, async () => {
    if (isTagName(reference)) {
      if (!(await repository.deleteTag(reference))) throw unknownManifest(text);
      return;
    }
    const record = await repository.manifest(reference);
    if (record === undefined) throw unknownManifest(text);
    await repository.deleteManifest(record);
  });
  exchange.empty(202);
}

interface Target {
  readonly digest?: ContentDigest;
  readonly tags: readonly TagName[];
}

/** The tag in the path, or the digest with `tag` parameters. Throws DIGEST_INVALID, MANIFEST_INVALID. */
function readTarget(reference: string, query: URLSearchParams): Target {
  const asked = query.getAll("tag");
  if (asked.length > MAX_TAGS_PER_PUSH)
    throw new RequestError("MANIFEST_INVALID", `cannot set ${asked.length} tags: want ${MAX_TAGS_PER_PUSH} at most`, {
      status: 414,
    });
  const tags = asked.map(readTag);
  return reference.includes(":")
    ? { digest: parseContentDigest(reference), tags }
    : { tags: [...new Set([readTag(reference), ...tags])] };
}

function readTag(text: string): TagName {
  if (isTagName(text)) return text;
  throw new RequestError("MANIFEST_INVALID", `cannot use tag ${quote(text)}: want up to 128 letters, digits, . _ -`);
}

/** Throws DIGEST_INVALID for a digest in the path that is not the body's. */
function digestOf(bytes: Uint8Array, wanted: ContentDigest | undefined): ContentDigest {
  const algorithm = wanted === undefined ? "sha256" : algorithmOf(wanted);
  const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as ContentDigest;
  if (wanted !== undefined && wanted !== digest)
    throw new RequestError("DIGEST_INVALID", `cannot keep the manifest: its digest is ${digest}, wanted is ${wanted}`);
  return digest;
}

/** Throws MANIFEST_BLOB_UNKNOWN, MANIFEST_INVALID. */
async function assertBlobs(repository: Repository, { blobs }: ManifestFacts): Promise<void> {
  for (const { digest, sizeBytes, isForeign } of blobs) {
    const found = await repository.claimBlob(digest);
    if (found === undefined && isForeign) continue;
    if (found === undefined)
      throw new RequestError("MANIFEST_BLOB_UNKNOWN", `cannot keep the manifest: its blob ${digest} is not here yet`);
    if (found !== sizeBytes)
      throw new RequestError(
        "MANIFEST_INVALID",
        `cannot keep the manifest: blob ${digest} has ${found} bytes, not ${sizeBytes}`,
      );
  }
}

/** Throws MANIFEST_UNKNOWN for what can be neither, DIGEST_INVALID. */
function parseReference(text: string): TagName | ContentDigest {
  if (text.includes(":")) return parseContentDigest(text);
  if (isTagName(text)) return text;
  throw unknownManifest(text);
}

function unknownManifest(reference: string): RequestError {
  return new RequestError("MANIFEST_UNKNOWN", `cannot find the manifest ${quote(reference)} in this repository`);
}

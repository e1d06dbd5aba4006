// Manifests and indexes at a registry (distribution-spec "Pulling manifests", "Pushing manifests").
import { type Digest, digestOf, DigestError, isDigest } from "../../base/digest.ts";
import type { Descriptor } from "../descriptor.ts";
import { parseJsonObject } from "../json.ts";
import { isDocumentType, MEDIA_TYPE } from "../media-types.ts";
import { bytesOnce } from "../store.ts";
import { RegistryError } from "./error.ts";
import { MAX_DOCUMENT_BYTES } from "./limits.ts";
import { discard, readDocument } from "./read-body.ts";
import type { RemoteRepository } from "./repository.ts";
import type { Answer } from "./transport.ts";

const ACCEPT = [MEDIA_TYPE.index, MEDIA_TYPE.manifest, MEDIA_TYPE.dockerIndex, MEDIA_TYPE.dockerManifest].join(", ");

/** What a tag or digest stands for. Throws OciError NOT_FOUND, RegistryError. */
export async function resolveManifest(
  repository: RemoteRepository,
  reference: string,
  tries?: number,
): Promise<Descriptor> {
  const answer = await request(repository, "HEAD", reference, tries).catch((error: unknown) => {
    if (error instanceof RegistryError && error.code === "UNSUPPORTED") return undefined;
    throw error;
  });
  if (answer === undefined) return (await readManifest(repository, reference, tries)).descriptor;
  discard(answer);
  const mediaType = mediaTypeOf(answer);
  const digest = digestHeader(answer);
  const sizeBytes = Number(answer.headers["content-length"] ?? Number.NaN);
  if (digest !== undefined && isDocumentType(mediaType) && Number.isSafeInteger(sizeBytes) && sizeBytes > 0) {
    if (isDigest(reference) && digest !== reference)
      throw repository.badResponse(answer.attempt, `says that it has the digest ${digest}`);
    return { mediaType, digest, sizeBytes };
  }
  return (await readManifest(repository, reference, tries)).descriptor;
}

export interface ReadManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
}

/** Up to 4 MiB. By digest it is verified. Throws OciError NOT_FOUND, DigestError, RegistryError. */
export async function readManifest(
  repository: RemoteRepository,
  reference: string,
  tries?: number,
): Promise<ReadManifest> {
  const answer = await request(repository, "GET", reference, tries);
  const bytes = await readDocument(answer, MAX_DOCUMENT_BYTES, repository.context.limits);
  const digest = digestOf(bytes);
  if (isDigest(reference) && digest !== reference) {
    throw new DigestError(
      "DIGEST_MISMATCH",
      `cannot ${answer.attempt}: its bytes have the digest ${digest}, wanted is ${reference}`,
      { hint: "Fetch it again: it is corrupt", data: { found: digest, wanted: reference } },
    );
  }
  const told = mediaTypeOf(answer);
  const mediaType = isDocumentType(told)
    ? told
    : guessMediaType(bytes, told, `${reference} of ${repository.description}`);
  return { descriptor: { mediaType, digest, sizeBytes: bytes.length }, bytes };
}

/** True when the registry keeps account of the subject itself. Throws RegistryError. */
export async function writeManifest(
  repository: RemoteRepository,
  descriptor: Descriptor,
  bytes: Uint8Array,
  reference: string,
): Promise<boolean> {
  const attempt = `push manifest ${reference} to ${repository.description}`;
  const answer = await repository.request({
    method: "PUT",
    path: `manifests/${reference}`,
    scopes: repository.pushScope,
    headers: { "content-type": descriptor.mediaType },
    body: () => ({ sizeBytes: bytes.length, bytes: bytesOnce(bytes) }),
    expect: [200, 201, 202],
    attempt,
  });
  discard(answer);
  const digest = digestHeader(answer);
  if (digest !== undefined && digest !== descriptor.digest)
    throw repository.badResponse(attempt, `has stored it as ${digest}, wanted is ${descriptor.digest}`);
  return answer.headers["oci-subject"] !== undefined;
}

function request(
  repository: RemoteRepository,
  method: "GET" | "HEAD",
  reference: string,
  tries?: number,
): Promise<Answer> {
  return repository.request({
    method,
    path: `manifests/${reference}`,
    headers: { accept: ACCEPT },
    expect: [200],
    attempt: `read ${isDigest(reference) ? reference : `tag ${JSON.stringify(reference)}`} of ${repository.description}`,
    ...(tries === undefined ? {} : { tries }),
  });
}

function digestHeader(answer: Answer): Digest | undefined {
  const value = answer.headers["docker-content-digest"];
  return typeof value === "string" && isDigest(value) ? value : undefined;
}

function mediaTypeOf(answer: Answer): string {
  return (answer.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
}

/** For registries that are plain file servers. */
function guessMediaType(bytes: Uint8Array, told: string, document: string): string {
  const { mediaType, manifests, layers } = parseJsonObject(bytes, document);
  if (typeof mediaType === "string") return mediaType;
  return Array.isArray(manifests) ? MEDIA_TYPE.index : Array.isArray(layers) ? MEDIA_TYPE.manifest : told;
}

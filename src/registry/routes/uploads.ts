// Pushing blobs: whole, in chunks, by mount; status and cancelling (distribution-spec "Pushing blobs").
import { RequestError } from "../error.ts";
import type { Exchange } from "../http/exchange.ts";
import { parseChunkRange } from "../http/range.ts";
import {
  algorithmOf,
  type ContentDigest,
  isContentDigest,
  isRepositoryName,
  parseAlgorithm,
  parseContentDigest,
  quote,
  type RepositoryName,
} from "../names.ts";
import { uploadRange } from "../storage/uploads.ts";
import type { Service } from "./service.ts";

/** POST: mounts, takes a whole blob, or opens an upload. */
export async function startUpload(service: Service, exchange: Exchange, name: RepositoryName): Promise<void> {
  const { query } = exchange;
  const mount = query.get("mount");
  if (mount !== null && (await mountBlob(service, exchange, name, mount, query.get("from") ?? ""))) return;
  const asked = query.get("digest");
  const digest = asked === null ? undefined : parseContentDigest(asked);
  const algorithm =
    digest === undefined ? parseAlgorithm(query.get("digest-algorithm") ?? "sha256") : algorithmOf(digest);
  const owner = exchange.client.user ?? exchange.client.address;
  const id = await service.storage.uploads.start({ name, owner, algorithm });
  if (digest !== undefined) {
    await finish(service, exchange, name, id, digest, undefined).catch(async (error: unknown) => {
      // Nobody knows its name: nobody comes back to it.
      await service.storage.uploads.cancel(name, id).catch(() => undefined);
      throw error;
    });
    return;
  }
  exchange.empty(202, uploadHeaders(name, id, 0));
}

/** False when the blob is not there, or not for this client: then it is uploaded. */
async function mountBlob(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  mount: string,
  from: string,
): Promise<boolean> {
  if (!isContentDigest(mount) || !isRepositoryName(from) || !service.isAllowed(exchange, "pull", from)) return false;
  if ((await service.storage.repository(from).claimBlob(mount)) === undefined) return false;
  await service.storage.repository(name).linkBlob(mount);
  exchange.empty(201, createdHeaders(name, mount));
  return true;
}

/** PATCH: a chunk, or all of it as a stream. */
export async function appendChunk(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  id: string,
): Promise<void> {
  const sizeBytes = await service.storage.uploads.append(name, id, exchange.body(), chunkStart(exchange));
  exchange.empty(202, uploadHeaders(name, id, sizeBytes));
}

/** PUT: the last chunk, if any, and the digest of the whole. */
export async function finishUpload(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  id: string,
): Promise<void> {
  const digest = parseContentDigest(exchange.query.get("digest") ?? "");
  await finish(service, exchange, name, id, digest, chunkStart(exchange));
}

async function finish(
  { storage }: Service,
  exchange: Exchange,
  name: RepositoryName,
  id: string,
  digest: ContentDigest,
  at: number | undefined,
): Promise<void> {
  await storage.uploads.finish(storage.repository(name), id, digest, exchange.body(), at);
  exchange.empty(201, createdHeaders(name, digest));
}

export async function uploadStatus(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  id: string,
): Promise<void> {
  exchange.empty(204, uploadHeaders(name, id, await service.storage.uploads.sizeOf(name, id)));
}

export async function cancelUpload(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  id: string,
): Promise<void> {
  await service.storage.uploads.cancel(name, id);
  exchange.empty(204);
}

/** Where a chunk says it begins. Throws BLOB_UPLOAD_INVALID (416), SIZE_INVALID. */
function chunkStart(exchange: Exchange): number | undefined {
  const header = exchange.header("content-range");
  if (header === undefined) return undefined;
  const range = parseChunkRange(header);
  if (range === undefined)
    throw new RequestError("BLOB_UPLOAD_INVALID", `cannot read Content-Range ${quote(header)}: want FIRST-LAST`, {
      status: 416,
    });
  const { contentLength } = exchange;
  if (contentLength !== undefined && contentLength !== range.end - range.start)
    throw new RequestError("SIZE_INVALID", `cannot take the chunk: ${contentLength} bytes, Content-Range is ${header}`);
  return range.start;
}

function uploadHeaders(name: RepositoryName, id: string, sizeBytes: number): Readonly<Record<string, string>> {
  return {
    Location: `/v2/${name}/blobs/uploads/${id}`,
    Range: uploadRange(sizeBytes),
    "Docker-Upload-UUID": id,
  };
}

function createdHeaders(name: RepositoryName, digest: ContentDigest): Readonly<Record<string, string>> {
  return { Location: `/v2/${name}/blobs/${digest}`, "Docker-Content-Digest": digest };
}

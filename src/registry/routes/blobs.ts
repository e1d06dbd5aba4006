// Blobs: GET, HEAD and DELETE (distribution-spec "Pulling blobs", "Deleting Blobs"; RFC 9110 for conditions and ranges).
import { RequestError } from "../error.ts";
import type { Exchange } from "../http/exchange.ts";
import { parseRange } from "../http/range.ts";
import { type ContentDigest, parseContentDigest, type RepositoryName } from "../names.ts";
import type { Service } from "./service.ts";

export async function getBlob(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  reference: string,
): Promise<void> {
  const digest = parseContentDigest(reference);
  const headers = blobHeaders(digest);
  const content = service.content(exchange, name);
  if (exchange.method === "HEAD") {
    const sizeBytes = await content.blobSize(digest, service.isAllowed(exchange, "push", name));
    if (sizeBytes === undefined) throw unknownBlob(digest);
    await exchange.stream(200, { ...headers, "Content-Length": String(sizeBytes) }, async function* () {});
    return;
  }
  await using blob = await content.openBlob(digest);
  if (blob === undefined) throw unknownBlob(digest);
  const { sizeBytes } = blob;
  if (matches(exchange.header("if-none-match"), digest)) {
    exchange.empty(304, headers);
    return;
  }
  const condition = exchange.header("if-range");
  const asked = condition === undefined || matches(condition, digest) ? exchange.header("range") : undefined;
  const range = parseRange(asked, sizeBytes);
  if (range === "unsatisfiable") {
    throw new RequestError("SIZE_INVALID", `cannot send this range: the blob has ${sizeBytes} bytes`, {
      status: 416,
      headers: { "Content-Range": `bytes */${sizeBytes}` },
    });
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes };
  const partial = range === undefined ? {} : { "Content-Range": `bytes ${start}-${end - 1}/${sizeBytes}` };
  await exchange.stream(
    range === undefined ? 200 : 206,
    { ...headers, ...partial, "Content-Length": String(end - start) },
    () => blob.read({ start, end }),
  );
}

/** Takes the blob from the repository; its bytes go when no other repository has them. */
export async function deleteBlob(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  reference: string,
): Promise<void> {
  const digest = parseContentDigest(reference);
  const repository = service.storage.repository(name);
  if ((await repository.blobSize(digest)) === undefined) throw unknownBlob(digest);
  await repository.unlinkBlob(digest);
  exchange.empty(202, { "Docker-Content-Digest": digest });
}

function blobHeaders(digest: ContentDigest): Readonly<Record<string, string>> {
  return {
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    "Accept-Ranges": "bytes",
    ETag: `"${digest}"`,
    "Cache-Control": "private, max-age=31536000, immutable",
  };
}

/** An entity tag, or a list of them. */
export function matches(header: string | undefined, digest: ContentDigest): boolean {
  return header !== undefined && header.split(",").some((tag) => tag.trim().replace(/^W\//, "") === `"${digest}"`);
}

function unknownBlob(digest: ContentDigest): RequestError {
  return new RequestError("BLOB_UNKNOWN", `cannot find the blob ${digest} in this repository`);
}

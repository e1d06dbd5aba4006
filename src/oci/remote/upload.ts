// Blobs to a registry (distribution-spec "Pushing blobs"): POST, then PUT with the whole body. When that breaks and the
// source can be read again, the registry is asked how much it has, and the rest follows in PATCH requests.
import { countBytes, verifyStream } from "../../base/stream/index.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { RegistryError } from "./error.ts";
import { PROGRESS_BYTES } from "./limits.ts";
import { discard } from "./read-body.ts";
import type { RemoteRepository } from "./repository.ts";
import { Attempts } from "./retry.ts";
import type { RequestBody } from "./send-body.ts";
import type { Answer } from "./transport.ts";

/** A place at the registry that takes a blob. */
export interface Upload {
  readonly location: URL;
  readonly minChunkBytes: number;
}

export type OpenSource = (offset: number) => AsyncIterable<Uint8Array>;
export type OnBytes = (bytes: number) => void;

/** A registry that wants larger chunks than this wants whole blobs. */
const MAX_MIN_CHUNK_BYTES = 5 * 1024 ** 3;

export async function startUpload(repository: RemoteRepository, descriptor: Descriptor): Promise<Upload> {
  const answer = await repository.request({
    method: "POST",
    path: "blobs/uploads/",
    scopes: repository.pushScope,
    expect: [202],
    attempt: attemptOf(repository, descriptor),
  });
  return uploadOf(repository, answer);
}

export function uploadOf(repository: RemoteRepository, answer: Answer, before?: Upload): Upload {
  discard(answer);
  const { location } = answer.headers;
  const minimum = answer.headers["oci-chunk-min-length"];
  return {
    location: location === undefined && before !== undefined ? before.location : repository.addressOf(answer, location),
    minChunkBytes:
      typeof minimum === "string" && /^\d{1,15}$/.test(minimum)
        ? Math.min(Number(minimum), MAX_MIN_CHUNK_BYTES)
        : (before?.minChunkBytes ?? 0),
  };
}

/** In one request; the bytes are verified before the last of them is sent. */
export async function uploadOnce(
  repository: RemoteRepository,
  descriptor: Descriptor,
  upload: Upload,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  await finish(repository, descriptor, upload, wholeBody(descriptor, bytes), true);
}

function wholeBody(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>): () => RequestBody {
  return () => ({ sizeBytes: descriptor.sizeBytes, bytes: verifyStream(bytes, descriptor, descriptor.digest) });
}

/** An upload, and how much of the blob the registry has. */
export interface UploadState {
  readonly upload: Upload;
  readonly offset: number;
}

export interface ResumeOptions {
  /** Whether the registry has the blob: an upload may have succeeded without our hearing of it. */
  readonly has: () => Promise<boolean>;
  readonly onBytes: OnBytes;
  /** Told where the upload is from now on. */
  readonly onUpload?: ((upload: Upload) => Promise<void>) | undefined;
}

export async function uploadResumable(
  repository: RemoteRepository,
  descriptor: Descriptor,
  start: UploadState,
  open: OpenSource,
  { has, onBytes, onUpload }: ResumeOptions,
): Promise<void> {
  const attempts = new Attempts(repository.context);
  let { upload, offset } = start;
  let counted = 0;
  let chunkBytes = Infinity;
  let isFirst = offset === 0;
  /** As far as the registry ever was: an upload that starts anew over and over comes to an end. */
  let furthest = 0;
  const reached = (to: number): void => {
    offset = to;
    if (offset < furthest + PROGRESS_BYTES) return;
    furthest = offset;
    attempts.succeeded();
  };
  const read = (): AsyncIterable<Uint8Array> => {
    // What had been sent in vain is taken back.
    if (counted !== offset) onBytes(offset - counted);
    counted = offset;
    return countBytes(open(offset), (bytes) => {
      counted += bytes;
      onBytes(bytes);
    });
  };
  for (;;) {
    await onUpload?.(upload);
    try {
      if (isFirst) {
        const body = (): RequestBody => wholeBody(descriptor, read())();
        return await finish(repository, descriptor, upload, body, false);
      }
      while (offset < descriptor.sizeBytes) {
        const sizeBytes = Math.min(descriptor.sizeBytes - offset, Math.max(chunkBytes, upload.minChunkBytes));
        const body = (): RequestBody => ({ sizeBytes, bytes: takeBytes(read(), sizeBytes) });
        upload = await patch(repository, descriptor, upload, offset, sizeBytes, body);
        await onUpload?.(upload);
        reached(offset + sizeBytes);
      }
      return await finish(repository, descriptor, upload, undefined, false);
    } catch (error) {
      // Too large for one request, or broken twice: then it goes in small pieces.
      const isTooLarge = error instanceof RegistryError && error.data["status"] === 413 && chunkBytes === Infinity;
      if (!isTooLarge) await attempts.failed(error);
      if (isTooLarge || !isFirst) chunkBytes = repository.context.limits.chunkBytes;
    }
    isFirst = false;
    const state = await askState(repository, descriptor, upload);
    if (state === undefined) {
      if (await has()) return;
      upload = await startUpload(repository, descriptor);
    } else upload = state.upload;
    reached(state?.offset ?? 0);
  }
}

/** Undefined when the registry does not know the upload, or not for sure how much of it. */
export async function askState(
  repository: RemoteRepository,
  descriptor: Descriptor,
  upload: Upload,
): Promise<UploadState | undefined> {
  const answer = await repository.request({
    method: "GET",
    path: upload.location,
    scopes: repository.pushScope,
    expect: [204, 202, 400, 404, 405, 416],
    attempt: attemptOf(repository, descriptor),
  });
  const last = Number(/^(?:bytes=)?0-(\d{1,15})$/.exec(answer.headers.range ?? "")?.[1] ?? 0);
  // `0-0` stands for nothing as well as for one byte.
  if (answer.status >= 400 || last === 0 || last >= descriptor.sizeBytes) {
    discard(answer);
    return undefined;
  }
  return { upload: uploadOf(repository, answer, upload), offset: last + 1 };
}

async function patch(
  repository: RemoteRepository,
  descriptor: Descriptor,
  upload: Upload,
  offset: number,
  sizeBytes: number,
  body: () => RequestBody,
): Promise<Upload> {
  const answer = await repository.request({
    method: "PATCH",
    path: upload.location,
    scopes: repository.pushScope,
    headers: {
      "content-type": "application/octet-stream",
      "content-range": `${offset}-${offset + sizeBytes - 1}`,
    },
    body,
    expect: [202, 204],
    attempt: attemptOf(repository, descriptor),
    tries: 1,
  });
  return uploadOf(repository, answer, upload);
}

async function finish(
  repository: RemoteRepository,
  descriptor: Descriptor,
  upload: Upload,
  body: (() => RequestBody) | undefined,
  once: boolean,
): Promise<void> {
  const location = new URL(upload.location);
  // As text: what the registry wrote before it stays as it is.
  location.search += `${location.search === "" ? "?" : "&"}digest=${encodeURIComponent(descriptor.digest)}`;
  const answer = await repository.request({
    method: "PUT",
    path: location,
    scopes: repository.pushScope,
    headers: { "content-type": "application/octet-stream" },
    ...(body === undefined ? {} : { body }),
    once,
    expect: [201, 204],
    attempt: attemptOf(repository, descriptor),
    tries: 1,
  });
  discard(answer);
}

function attemptOf(repository: RemoteRepository, descriptor: Descriptor): string {
  return `push ${descriptor.digest} to ${repository.description}`;
}

/** Throws OciError NOT_FOUND when the source ends before. */
async function* takeBytes(input: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let rest = sizeBytes;
  if (rest === 0) return;
  for await (const chunk of input) {
    yield chunk.length <= rest ? chunk : chunk.subarray(0, rest);
    rest -= chunk.length;
    if (rest <= 0) return;
  }
  throw new OciError("NOT_FOUND", `cannot read ${sizeBytes} bytes to push: the source has ${rest} less`);
}

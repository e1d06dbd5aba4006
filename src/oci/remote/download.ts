// Blobs from registries. A connection that breaks is taken up again with a Range request (RFC 9110 section 14), at the
// next endpoint if need be; the caller verifies the whole.
import { DigestError } from "../../base/digest.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { RegistryError } from "./error.ts";
import { PROGRESS_BYTES } from "./limits.ts";
import { discard, readBody } from "./read-body.ts";
import type { RemoteRepository } from "./repository.ts";
import { Attempts } from "./retry.ts";
import type { Answer } from "./transport.ts";

/** Where something else is left to try. */
const MIRROR_TRIES = 2;

/** From the first repository that has it. Not verified: a longer body is cut by the caller. */
export async function* downloadBlob(
  repositories: readonly RemoteRepository[],
  descriptor: Descriptor,
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (const [index, repository] of repositories.entries()) {
    const isLast = index === repositories.length - 1;
    try {
      for await (const chunk of downloadFrom(repository, descriptor, offset, isLast ? undefined : MIRROR_TRIES)) {
        offset += chunk.length;
        yield chunk;
      }
      return;
    } catch (error) {
      if (isLast || !mayBeElsewhere(error)) throw error;
    }
  }
}

/** Another endpoint may do better. */
export function mayBeElsewhere(error: unknown): boolean {
  return error instanceof RegistryError || error instanceof OciError || error instanceof DigestError;
}

async function* downloadFrom(
  repository: RemoteRepository,
  descriptor: Descriptor,
  start: number,
  tries: number | undefined,
): AsyncGenerator<Uint8Array> {
  const { context } = repository;
  const attempts = new Attempts(context, tries);
  let offset = start;
  let safeOffset = start;
  for (;;) {
    try {
      const { answer, skipBytes } = await openAt(repository, descriptor, offset);
      let skip = skipBytes;
      for await (const chunk of readBody(answer, context.limits)) {
        const wanted = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - wanted.length;
        if (wanted.length === 0) continue;
        offset += wanted.length;
        yield wanted;
      }
      return;
    } catch (error) {
      // All there; whether it is right is not for the connection to say.
      if (offset === descriptor.sizeBytes && error instanceof RegistryError && error.transient && offset > 0) return;
      if (offset >= safeOffset + PROGRESS_BYTES) {
        attempts.succeeded();
        safeOffset = offset;
      }
      await attempts.failed(error);
    }
  }
}

async function openAt(
  repository: RemoteRepository,
  descriptor: Descriptor,
  offset: number,
): Promise<{ readonly answer: Answer; readonly skipBytes: number }> {
  const { digest, sizeBytes } = descriptor;
  const attempt = `read ${digest} of ${repository.description}`;
  const answer = await repository.request({
    method: "GET",
    path: `blobs/${digest}`,
    ...(offset === 0 ? {} : { headers: { range: `bytes=${offset}-${sizeBytes - 1}` } }),
    expect: offset === 0 ? [200] : [200, 206],
    attempt,
    tries: 1,
  });
  try {
    if (answer.status === 206) {
      const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.headers["content-range"] ?? "") ?? [];
      if (Number(from) !== offset || (total !== "*" && Number(total) !== sizeBytes))
        throw repository.badResponse(attempt, `sends another part than was asked for: from ${from}, of ${total}`);
      return { answer, skipBytes: 0 };
    }
    const length = answer.headers["content-length"];
    if (length === undefined || Number(length) === sizeBytes) return { answer, skipBytes: offset };
    throw new DigestError("SIZE_MISMATCH", `cannot ${attempt}: it has ${length} bytes, wanted are ${sizeBytes}`, {
      hint: "Pull the image again by its tag: the registry's copy does not fit its manifest",
      data: { digest, wantedBytes: sizeBytes },
    });
  } catch (error) {
    discard(answer);
    throw error;
  }
}

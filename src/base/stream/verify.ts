// A stream that is checked on its way: its size as it flows, its digest at the end. A caller that has seen the end
// without an error has seen exactly the bytes that the digest names.
import { createHash } from "node:crypto";
import { type Digest, DigestError, finishDigest } from "../digest.ts";

/** Throws SIZE_MISMATCH and DIGEST_MISMATCH (DigestError); `what` names the bytes in the message. */
export async function* verifyStream(
  input: AsyncIterable<Uint8Array>,
  expected: { readonly digest: Digest; readonly sizeBytes: number },
  what: string,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of input) {
    sizeBytes += chunk.length;
    if (sizeBytes > expected.sizeBytes) throw sizeMismatch(what, `more than ${expected.sizeBytes}`, expected);
    hash.update(chunk);
    yield chunk;
  }
  if (sizeBytes !== expected.sizeBytes) throw sizeMismatch(what, `${sizeBytes}`, expected);
  const found = finishDigest(hash);
  if (found === expected.digest) return;
  throw new DigestError(
    "DIGEST_MISMATCH",
    `cannot use ${what}: its bytes have the digest ${found}, wanted is ${expected.digest}`,
    {
      hint: "Fetch it again: it is corrupt",
      data: { found, wanted: expected.digest },
    },
  );
}

function sizeMismatch(
  what: string,
  found: string,
  expected: { readonly digest: Digest; readonly sizeBytes: number },
): DigestError {
  return new DigestError(
    "SIZE_MISMATCH",
    `cannot use ${what}: it has ${found} bytes, wanted are ${expected.sizeBytes}`,
    {
      hint: "Fetch it again: it is not whole",
      data: { digest: expected.digest, wantedBytes: expected.sizeBytes },
    },
  );
}

// A stream that is checked on its way: its size as it flows, its digest at the end. A caller that has seen the end
// without an error has seen exactly the bytes that the digest names.
import { createHash } from "node:crypto";
import { type Digest, DigestError, finishDigest } from "../digest.ts";

interface Expected {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Streams that check themselves: a second check of the same would cost a second pass over all bytes. */
const verified = new WeakMap<AsyncIterable<Uint8Array>, Expected>();

/**
 * The whole of `input`, which nobody has begun to read. Throws SIZE_MISMATCH and DIGEST_MISMATCH (DigestError); `what`
 * names the bytes in the message.
 */
export function verifyStream(
  input: AsyncIterable<Uint8Array>,
  expected: Expected,
  what: string,
): AsyncIterable<Uint8Array> {
  const known = verified.get(input);
  if (known?.digest === expected.digest && known.sizeBytes === expected.sizeBytes) return input;
  const output = verify(input, expected, what);
  verified.set(output, expected);
  return output;
}

/** `output` gives exactly the bytes of `input`, and its errors: then it is as good. */
export function passOnVerified(
  input: AsyncIterable<Uint8Array>,
  output: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const known = verified.get(input);
  if (known !== undefined) verified.set(output, known);
  return output;
}

async function* verify(input: AsyncIterable<Uint8Array>, expected: Expected, what: string): AsyncGenerator<Uint8Array> {
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

function sizeMismatch(what: string, found: string, expected: Expected): DigestError {
  return new DigestError(
    "SIZE_MISMATCH",
    `cannot use ${what}: it has ${found} bytes, wanted are ${expected.sizeBytes}`,
    {
      hint: "Fetch it again: it is not whole",
      data: { digest: expected.digest, wantedBytes: expected.sizeBytes },
    },
  );
}

// Judges the signatures of an image, one by one: does a key fit, is it this image, is it this name. Claims are read only
// from bytes whose signature was right.
import type { Digest } from "../../base/digest.ts";
import { messageOf } from "../../base/errors.ts";
import { OciError } from "../error.ts";
import type { AttachedSignature, Claims, SignatureForm, SignatureSource } from "./attached.ts";
import { type PublicKey, verifyBytes } from "./public-key.ts";

export interface JudgedSignature {
  /** For people: where it was found. */
  readonly where: string;
  /** What was accepted, and by which key. */
  readonly accepted?: Claims & { readonly key: PublicKey; readonly form: SignatureForm };
  /** Why it was not. */
  readonly reason?: string;
}

/** Says why a claimed name is not accepted; undefined when it is. */
export type IdentityCheck = (claimed: string | undefined) => string | undefined;

export async function* judgeSignatures(
  source: SignatureSource,
  digest: Digest,
  keys: readonly PublicKey[],
  checkIdentity: IdentityCheck,
): AsyncGenerator<JudgedSignature> {
  for await (const found of source.signatures(digest)) {
    const { where } = found;
    yield "reason" in found ? { where, reason: found.reason } : judge(found, digest, keys, checkIdentity);
  }
}

function judge(
  found: AttachedSignature,
  digest: Digest,
  keys: readonly PublicKey[],
  checkIdentity: IdentityCheck,
): JudgedSignature {
  const { where } = found;
  const key = keys.find((each) => found.signatures.some((signature) => verifyBytes(each, found.signed, signature)));
  if (key === undefined)
    return { where, reason: `it is not by ${keys.map(({ source }) => source).join(" or ")}, or was changed` };
  let claims: Claims;
  try {
    claims = found.claims();
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    return { where, reason: messageOf(error) };
  }
  if (claims.digest !== digest) return { where, reason: `it is of another image, ${claims.digest}` };
  const reason = checkIdentity(claims.identity);
  return reason === undefined ? { where, accepted: { ...claims, key, form: found.form } } : { where, reason };
}

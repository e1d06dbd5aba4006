// Public keys (SubjectPublicKeyInfo in PEM, RFC 7468) and the signatures they verify: ECDSA on the NIST curves and RSA
// PKCS #1 1.5, both over SHA-256, and Ed25519. Refused: RSA below 2048 bits, other kinds, anything that is not one
// public key.
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { SignatureError } from "./error.ts";
import { encodeBase64 } from "./base64.ts";

export interface PublicKey {
  readonly key: KeyObject;
  /** For messages: the file or the field it was read from. */
  readonly source: string;
}

export const MAX_KEY_BYTES: number = 64 * 1024;
const CURVES: readonly (string | undefined)[] = ["prime256v1", "secp384r1", "secp521r1"];
const MIN_RSA_BITS = 2048;

/** Throws SignatureError BAD_KEY. */
export function parsePublicKey(pem: string, source: string): PublicKey {
  const blocks = pem.match(/-----BEGIN [A-Z0-9 ]+-----/g) ?? [];
  if (pem.length > MAX_KEY_BYTES || blocks.length !== 1 || blocks[0] !== "-----BEGIN PUBLIC KEY-----") {
    throw badKey(
      source,
      blocks.length === 0 ? "no PEM block" : blocks.join(", ").slice(0, 100),
      "one PUBLIC KEY in PEM",
    );
  }
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (cause) {
    throw badKey(source, "a PUBLIC KEY that OpenSSL cannot read", "SubjectPublicKeyInfo", cause);
  }
  return { key: assertUsable(key, source), source };
}

/** Of public and private keys alike. Throws SignatureError BAD_KEY. */
export function assertUsable(key: KeyObject, source: string): KeyObject {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  const kind = key.asymmetricKeyType ?? "unknown";
  const usable =
    (kind === "ec" && CURVES.includes(namedCurve)) ||
    (kind === "rsa" && (modulusLength ?? 0) >= MIN_RSA_BITS) ||
    kind === "ed25519";
  if (usable) return key;
  const found = kind === "rsa" ? `RSA with ${modulusLength} bits` : `${kind} ${namedCurve ?? ""}`.trim();
  throw badKey(source, found, `ECDSA on a NIST curve, Ed25519 or RSA of ${MIN_RSA_BITS} bits`);
}

export function verifyBytes({ key }: PublicKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(hashOf(key), bytes, key, signature);
  } catch {
    // OpenSSL throws for signatures that are no signatures at all.
    return false;
  }
}

/** What `crypto.sign` and `crypto.verify` are told of the hash. */
export function hashOf(key: KeyObject): string | null {
  return key.asymmetricKeyType === "ed25519" ? null : "sha256";
}

/** How cosign names a key in a bundle: base64 of the SHA-256 of its SubjectPublicKeyInfo. */
export function keyHint(key: KeyObject): string {
  return encodeBase64(
    createHash("sha256")
      .update(key.export({ type: "spki", format: "der" }))
      .digest(),
  );
}

export function badKey(source: string, found: string, wanted: string, cause?: unknown): SignatureError {
  return new SignatureError("BAD_KEY", `cannot use ${source} as a key: found ${found}, wanted ${wanted}`, {
    hint: "Give a key made by `slipway key generate` or `cosign generate-key-pair`",
    ...(cause === undefined ? {} : { cause }),
  });
}

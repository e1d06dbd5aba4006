// Private keys as cosign keeps them: PEM "ENCRYPTED SIGSTORE PRIVATE KEY" (before 2022 "ENCRYPTED COSIGN PRIVATE KEY")
// around a password-sealed PKCS #8 key. Plain PKCS #8 in PEM is accepted too; new keys are always sealed.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { openSealedKey, sealKey } from "./encrypted-key.ts";
import { assertUsable, badKey, hashOf, MAX_KEY_BYTES, type PublicKey } from "./public-key.ts";

/** A private key with the public one that belongs to it. */
export interface Signer {
  readonly privateKey: KeyObject;
  readonly publicKey: PublicKey;
}

export interface KeyPairFiles {
  readonly privatePem: string;
  readonly publicPem: string;
}

const SEALED_LABELS: readonly string[] = ["ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY"];
const PLAIN_LABEL = "PRIVATE KEY";
const PEM = /^\s*-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+)-----END \1-----\s*$/;
const PEM_LINE = 64;

/** An ECDSA P-256 pair, sealed with the password. */
export async function generateKeyPair(password: string): Promise<KeyPairFiles> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const sealed = await sealKey(privateKey.export({ type: "pkcs8", format: "der" }), password);
  const lines = encodeBase64(sealed).match(new RegExp(`.{1,${PEM_LINE}}`, "g")) ?? [];
  const label = SEALED_LABELS[0];
  return {
    privatePem: `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`,
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/**
 * `password` is asked for sealed keys only. Throws SignatureError BAD_KEY, BAD_PASSWORD, OciError BAD_MANIFEST for what
 * is wrong inside a sealed key.
 */
export async function openPrivateKey(pem: string, password: () => Promise<string>, source: string): Promise<Signer> {
  if (pem.length > MAX_KEY_BYTES) throw badKey(source, `${pem.length} bytes`, `at most ${MAX_KEY_BYTES}`);
  const [, label = "", body = ""] = PEM.exec(pem) ?? [];
  const bytes = decodeBase64(body.replaceAll(/\s/g, ""));
  const isSealed = SEALED_LABELS.includes(label);
  if (bytes === undefined || (!isSealed && label !== PLAIN_LABEL)) {
    throw badKey(source, label === "" ? "no PEM block" : label, `a PEM block ${SEALED_LABELS[0]} or ${PLAIN_LABEL}`);
  }
  const pkcs8 = isSealed ? await openSealedKey(bytes, await password(), source) : bytes;
  return signerOf(pkcs8, source);
}

function signerOf(pkcs8: Uint8Array, source: string): Signer {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
  } catch (cause) {
    throw badKey(source, "bytes that OpenSSL cannot read", "PKCS #8", cause);
  }
  assertUsable(privateKey, source);
  return { privateKey, publicKey: { key: createPublicKey(privateKey), source } };
}

export function signBytes({ privateKey }: Signer, bytes: Uint8Array): Uint8Array {
  return sign(hashOf(privateKey), bytes, privateKey);
}

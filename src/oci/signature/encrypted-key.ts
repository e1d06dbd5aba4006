// The JSON inside cosign's private keys (docs/formats/signatures.md): PKCS #8 sealed by NaCl's secretbox under a key
// that scrypt makes of the password. Refused: other ciphers, and scrypt parameters that would take more than 128 MiB.
import { randomBytes, scrypt } from "node:crypto";
import { parseJson } from "../../base/json.ts";
import { asObject, asSize, asString, at, type Place, refuse } from "../json.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { SignatureError } from "./error.ts";

const SCRYPT = { N: 65_536, r: 8, p: 1 } as const;
const MAX_SCRYPT_N = 131_072;
const KEY_BYTES = 32;
const SALT_BYTES = 32;
const NONCE_BYTES = 24;

export async function sealKey(pkcs8: Uint8Array, password: string): Promise<Uint8Array> {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const box = await secretBox(await deriveKey(password, salt, SCRYPT.N), nonce);
  return Buffer.from(
    JSON.stringify({
      kdf: { name: "scrypt", params: SCRYPT, salt: encodeBase64(salt) },
      cipher: { name: "nacl/secretbox", nonce: encodeBase64(nonce) },
      ciphertext: encodeBase64(box.encrypt(pkcs8)),
    }),
  );
}

/** The PKCS #8 bytes. Throws OciError BAD_MANIFEST, SignatureError BAD_PASSWORD. */
export async function openSealedKey(bytes: Uint8Array, password: string, source: string): Promise<Uint8Array> {
  const place: Place = { document: source, path: "" };
  let document: unknown;
  try {
    document = parseJson(Buffer.from(bytes).toString("utf8"));
  } catch {
    return refuse(place, "an encrypted key: JSON in base64", "something else");
  }
  const json = asObject(document, place);
  const kdf = asObject(json["kdf"], at(place, "kdf"));
  const cipher = asObject(json["cipher"], at(place, "cipher"));
  if (kdf["name"] !== "scrypt") return refuse(at(place, "kdf.name"), "scrypt", kdf["name"]);
  if (cipher["name"] !== "nacl/secretbox") return refuse(at(place, "cipher.name"), "nacl/secretbox", cipher["name"]);
  const cost = readCost(kdf["params"], at(place, "kdf.params"));
  const salt = readBytes(kdf["salt"], at(place, "kdf.salt"));
  const nonce = readBytes(cipher["nonce"], at(place, "cipher.nonce"));
  const ciphertext = readBytes(json["ciphertext"], at(place, "ciphertext"));
  if (nonce.length !== NONCE_BYTES) return refuse(at(place, "cipher.nonce"), `${NONCE_BYTES} bytes`, nonce.length);
  const box = await secretBox(await deriveKey(password, salt, cost), nonce);
  try {
    return box.decrypt(ciphertext);
  } catch (cause) {
    throw new SignatureError("BAD_PASSWORD", `cannot open the private key ${source}: the password does not fit`, {
      hint: "Set COSIGN_PASSWORD to the password that the key was made with",
      cause,
    });
  }
}

/** N; r and p have one value that anybody uses. */
function readCost(value: unknown, place: Place): number {
  const params = asObject(value, place);
  const cost = asSize(params["N"], at(place, "N"));
  const isPowerOfTwo = Number.isInteger(Math.log2(cost));
  if (cost < 2 || cost > MAX_SCRYPT_N || !isPowerOfTwo)
    return refuse(at(place, "N"), `a power of two up to ${MAX_SCRYPT_N}`, cost);
  if (params["r"] !== SCRYPT.r) return refuse(at(place, "r"), `${SCRYPT.r}`, params["r"]);
  if (params["p"] !== SCRYPT.p) return refuse(at(place, "p"), `${SCRYPT.p}`, params["p"]);
  return cost;
}

function readBytes(value: unknown, place: Place): Uint8Array {
  return decodeBase64(asString(value, place)) ?? refuse(place, "base64", value);
}

function deriveKey(password: string, salt: Uint8Array, cost: number): Promise<Uint8Array> {
  const options = { N: cost, r: SCRYPT.r, p: SCRYPT.p, maxmem: 2 * 128 * SCRYPT.r * cost };
  return new Promise((resolve, reject) => {
    scrypt(password, salt, KEY_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

interface SecretBox {
  encrypt(bytes: Uint8Array): Uint8Array;
  decrypt(bytes: Uint8Array): Uint8Array;
}

/** XSalsa20-Poly1305, which OpenSSL does not have; loaded when a key is opened. */
async function secretBox(key: Uint8Array, nonce: Uint8Array): Promise<SecretBox> {
  const { xsalsa20poly1305 } = await import("@noble/ciphers/salsa.js");
  return xsalsa20poly1305(key, nonce);
}

import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SlipwayError } from "../../base/errors.ts";
import { generateKeyPair, openPrivateKey, signBytes } from "./private-key.ts";
import { keyHint, parsePublicKey, verifyBytes } from "./public-key.ts";

const VECTORS = new URL("../../../test/vectors/cosign/", import.meta.url);
const COSIGN_KEY = readFileSync(new URL("cosign.key", VECTORS), "latin1");
const COSIGN_PUB = readFileSync(new URL("cosign.pub", VECTORS), "latin1");
const MESSAGE = Buffer.from("hello");
const secret = (): Promise<string> => Promise.resolve("secret");
const notAsked = (): Promise<string> => Promise.reject(new Error("the password was asked for"));

describe("private keys", () => {
  it("open that cosign wrote, under both labels it has used", async () => {
    const publicKey = parsePublicKey(COSIGN_PUB, "cosign.pub");
    for (const label of ["SIGSTORE", "COSIGN"]) {
      const signer = await openPrivateKey(COSIGN_KEY.replaceAll("SIGSTORE", label), secret, "cosign.key");
      expect(verifyBytes(publicKey, MESSAGE, signBytes(signer, MESSAGE))).toBe(true);
    }
  });

  it("are written so that they open again, each pair another one", async () => {
    const pair = await generateKeyPair("");
    const signer = await openPrivateKey(pair.privatePem, () => Promise.resolve(""), "our.key");
    expect(verifyBytes(parsePublicKey(pair.publicPem, "our.pub"), MESSAGE, signBytes(signer, MESSAGE))).toBe(true);
    expect(pair.privatePem).toMatch(/^-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n(?:.{1,64}\n)+-----END /);
  });

  it("stay shut for another password", async () => {
    await expect(openPrivateKey(COSIGN_KEY, () => Promise.resolve("Secret"), "cosign.key")).rejects.toMatchObject({
      code: "BAD_PASSWORD",
      message: "cannot open the private key cosign.key: the password does not fit",
    });
  });

  it.each(["ec", "ed25519", "rsa"] as const)("in plain PKCS #8 sign too: %s", async (kind) => {
    const pair =
      kind === "ec"
        ? generateKeyPairSync("ec", { namedCurve: "P-384" })
        : kind === "rsa"
          ? generateKeyPairSync("rsa", { modulusLength: 2048 })
          : generateKeyPairSync("ed25519");
    const pem = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const signer = await openPrivateKey(pem, notAsked, "plain.key");
    const signature = signBytes(signer, MESSAGE);
    expect(verifyBytes(signer.publicKey, MESSAGE, signature)).toBe(true);
    expect(verifyBytes(signer.publicKey, Buffer.from("hellp"), signature)).toBe(false);
    expect(verifyBytes(signer.publicKey, MESSAGE, signature.subarray(1))).toBe(false);
    expect(verifyBytes(signer.publicKey, MESSAGE, new Uint8Array())).toBe(false);
  });

  const sealed = (change: (json: SealedJson) => unknown): string => {
    const json = JSON.parse(
      Buffer.from(COSIGN_KEY.split("\n").slice(1, -2).join(""), "base64").toString(),
    ) as SealedJson;
    const label = "ENCRYPTED SIGSTORE PRIVATE KEY";
    return `-----BEGIN ${label}-----\n${Buffer.from(JSON.stringify(change(json))).toString("base64")}\n-----END ${label}-----\n`;
  };
  interface SealedJson {
    readonly kdf: { readonly params: object };
    readonly cipher: object;
    readonly ciphertext: string;
  }

  it.each([
    ["another kdf", { kdf: { name: "pbkdf2" } }, /kdf\.name, wanted scrypt/],
    ["another cipher", { cipher: { name: "aes" } }, /cipher\.name, wanted nacl/],
    ["no ciphertext", { ciphertext: 1 }, /at ciphertext, wanted a text/],
    ["no base64", { ciphertext: "a" }, /at ciphertext, wanted base64/],
  ])("are refused with %s", async (_, change, message) => {
    const pem = sealed((json) => ({ ...json, ...change }));
    await expect(openPrivateKey(pem, secret, "bad.key")).rejects.toThrow(message);
  });

  it.each([{ N: 2 ** 40 }, { N: 65_537 }, { N: 0 }, { r: 1024 }, { p: 2 }, { N: -2 }])(
    "are refused when scrypt would cost %o",
    async (params) => {
      const pem = sealed((json) => ({ ...json, kdf: { ...json.kdf, params: { ...json.kdf.params, ...params } } }));
      await expect(openPrivateKey(pem, secret, "dear.key")).rejects.toBeInstanceOf(SlipwayError);
    },
  );

  it("cut at any byte are our errors", async () => {
    for (let end = 0; end < COSIGN_KEY.length - 1; end += 7)
      await expect(openPrivateKey(COSIGN_KEY.slice(0, end), notAsked, "cut.key")).rejects.toBeInstanceOf(SlipwayError);
  });
});

describe("public keys", () => {
  it("have the hint that cosign gives them", () => {
    expect(keyHint(parsePublicKey(COSIGN_PUB, "cosign.pub").key)).toBe("TmLOstX3DX++OWm4cX3Dr7MxXM1rQtcVcl1wuWcqH2k=");
  });

  const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey;
  const x25519 = generateKeyPairSync("x25519").publicKey;
  const koblitz = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey;
  it.each([
    ["a short RSA key", small.export({ type: "spki", format: "pem" }), /RSA with 1024 bits/],
    ["a key that does not sign", x25519.export({ type: "spki", format: "pem" }), /found x25519/],
    ["a curve that nobody else takes", koblitz.export({ type: "spki", format: "pem" }), /found ec secp256k1/],
    ["two keys", COSIGN_PUB + COSIGN_PUB, /PUBLIC KEY-----, -----BEGIN/],
    ["a private key", COSIGN_KEY, /ENCRYPTED SIGSTORE PRIVATE KEY/],
    ["an empty file", "", /found no PEM block/],
    ["much", `${COSIGN_PUB}${" ".repeat(100_000)}`, /cannot use/],
  ])("are refused when they are %s", (_, pem, message) => {
    expect(() => parsePublicKey(pem.toString(), "bad.pub")).toThrow(message);
  });

  it("cut at any byte are our errors", () => {
    for (let end = 0; end < COSIGN_PUB.length - 1; end++)
      expect(() => parsePublicKey(COSIGN_PUB.slice(0, end), "cut.pub")).toThrow(SlipwayError);
  });
});

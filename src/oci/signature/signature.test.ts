import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { copyImage } from "../copy.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { LayoutStore } from "../layout/store.ts";
import { formatManifest, parseManifest } from "../manifest.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { MemoryStore } from "../memory/store.ts";
import { fetchDocument, pushBytes, type Store } from "../store.ts";
import { signImage } from "./attach.ts";
import { MAX_SIGNATURE_BYTES, MAX_SIGNATURES, type SignatureForm } from "./attached.ts";
import { encodeBase64 } from "./base64.ts";
import { copySignatures } from "./copy.ts";
import { formatBundle, parseBundle } from "./bundle.ts";
import { SIGNATURE_ANNOTATION, signatureName, storeSignatures } from "./find.ts";
import { signBytes, type Signer } from "./private-key.ts";
import { parsePublicKey, type PublicKey } from "./public-key.ts";
import { formatSimpleSigning, parseSimpleSigning, SIMPLE_SIGNING_TYPE } from "./simple-signing.ts";
import { type JudgedSignature, judgeSignatures } from "./verify.ts";

const VECTORS = new URL("../../../test/vectors/cosign/", import.meta.url);
const COSIGN_PUB = parsePublicKey(readFileSync(new URL("cosign.pub", VECTORS), "latin1"), "cosign.pub");
const BOTH: readonly SignatureForm[] = ["simple", "bundle"];

function makeSigner(source: string): Signer {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { privateKey, publicKey: { key: publicKey, source } };
}
const ALICE = makeSigner("alice.pub");
const BOB = makeSigner("bob.pub");

async function pushImage(store: Store, text = "image"): Promise<Descriptor> {
  const config = Buffer.from(JSON.stringify({ text }));
  const bytes = formatManifest({
    mediaType: MEDIA_TYPE.manifest,
    config: describeBytes(MEDIA_TYPE.config, config),
    layers: [],
    annotations: {},
  });
  const descriptor = describeBytes(MEDIA_TYPE.manifest, bytes);
  await pushBytes(store, describeBytes(MEDIA_TYPE.config, config), config);
  await pushBytes(store, descriptor, bytes);
  return descriptor;
}

async function judge(
  store: Store,
  image: Descriptor,
  keys: readonly PublicKey[] = [ALICE.publicKey],
): Promise<readonly JudgedSignature[]> {
  return Array.fromAsync(judgeSignatures(storeSignatures(store), image.digest, keys, () => undefined));
}

const summary = (judged: readonly JudgedSignature[]): readonly string[] =>
  judged.map(({ accepted, reason }) =>
    accepted === undefined ? (reason ?? "") : `${accepted.form} ${accepted.identity} ${accepted.key.source}`,
  );

describe("signatures that cosign made", () => {
  it("are found under all names and verify", async () => {
    const store = await LayoutStore.open(fileURLToPath(new URL("layout", VECTORS)));
    expect(summary(await judge(store, await store.resolve("1"), [ALICE.publicKey, COSIGN_PUB]))).toEqual([
      "simple 127.0.0.1:15077/vec/os cosign.pub",
      "simple registry.example/os:1 cosign.pub",
      "simple 127.0.0.1:15077/vec/os cosign.pub",
      "simple registry.example/os:1 cosign.pub",
      "bundle 127.0.0.1:15077/vec/os cosign.pub",
    ]);
  });

  it("are not by another key", async () => {
    const store = await LayoutStore.open(fileURLToPath(new URL("layout", VECTORS)));
    const judged = await judge(store, await store.resolve("1"), [ALICE.publicKey, BOB.publicKey]);
    expect(new Set(summary(judged))).toEqual(new Set(["it is not by alice.pub or bob.pub, or was changed"]));
  });

  it("have the payload that we would write", () => {
    const path = "layout/blobs/sha256/4940d0426435ba74f49a9bac6a1ac58c5974151677e3dd513ace34365416bf16";
    const bytes = readFileSync(new URL(path, VECTORS));
    const { digest, identity } = parseSimpleSigning(bytes, "payload");
    expect(Buffer.from(formatSimpleSigning({ digest, identity: identity ?? "" })).equals(bytes)).toBe(true);
  });
});

describe("signing", () => {
  it("adds a layer and a bundle once for each key and name, and keeps what was there", async () => {
    const store = new MemoryStore();
    const image = await pushImage(store);
    const sign = (signer: Signer, identity: string): Promise<readonly SignatureForm[]> =>
      signImage(store, image, { signer, identity, forms: BOTH });
    expect(await sign(ALICE, "registry.example/os:1")).toEqual(BOTH);
    expect(await sign(ALICE, "registry.example/os:1")).toEqual([]);
    expect(await sign(ALICE, "registry.example/os:2")).toEqual(BOTH);
    expect(await sign(BOB, "registry.example/os:1")).toEqual(BOTH);
    expect(summary(await judge(store, image, [ALICE.publicKey, BOB.publicKey]))).toEqual([
      "simple registry.example/os:1 alice.pub",
      "simple registry.example/os:2 alice.pub",
      "simple registry.example/os:1 bob.pub",
      "bundle registry.example/os:1 alice.pub",
      "bundle registry.example/os:2 alice.pub",
      "bundle registry.example/os:1 bob.pub",
    ]);
  });

  it("adds its signature again when another signer has replaced it, and gives up in the end", async () => {
    const store = new MemoryStore();
    const image = await pushImage(store);
    const tag = store.tag.bind(store);
    for (const [replaced, outcome] of [
      [2, BOTH],
      [Infinity, "CONFLICT"],
    ] as const) {
      let left: number = replaced;
      const before = await store.resolve(signatureName(image.digest)).catch(() => undefined);
      const list = await store.resolve(signatureName(image.digest).replace(".sig", "")).catch(() => undefined);
      store.tag = async (descriptor, name) => {
        const theirs = name.endsWith(".sig") ? before : list;
        if (left-- > 0) await (theirs === undefined ? store.delete(name).catch(() => undefined) : tag(theirs, name));
        else await tag(descriptor, name);
      };
      const signed = signImage(store, image, {
        signer: ALICE,
        identity: `registry.example/os:${replaced}`,
        forms: BOTH,
      });
      expect(await signed.catch((error: { code: string }) => error.code)).toEqual(outcome);
    }
    expect(summary(await judge(store, image))).toEqual([
      "simple registry.example/os:2 alice.pub",
      "bundle registry.example/os:2 alice.pub",
    ]);
  });

  it("leaves the only image of a store the only one to choose", async () => {
    const store = new MemoryStore();
    const image = await pushImage(store);
    await store.tag(image, "1");
    await signImage(store, image, { signer: ALICE, identity: "registry.example/os", forms: BOTH });
    expect(await store.resolve()).toEqual(image);
  });

  it("leaves the referrers to a store that lists them", async () => {
    const listed: Descriptor[] = [];
    const store = Object.assign(new MemoryStore(), {
      referrers: () => Promise.resolve(listed),
    });
    const image = await pushImage(store);
    const push = store.push.bind(store);
    store.push = async (descriptor, bytes) => {
      await push(descriptor, bytes);
      const isManifest = descriptor.mediaType === MEDIA_TYPE.manifest;
      if (isManifest && parseManifest(await fetchDocument(store, descriptor), "").subject !== undefined)
        listed.push(descriptor);
    };
    await signImage(store, image, { signer: ALICE, identity: "registry.example/os", forms: ["bundle"] });
    expect(summary(await judge(store, image))).toEqual(["bundle registry.example/os alice.pub"]);
    expect(await store.list()).toEqual([]);
  });
});

describe("copying signatures", () => {
  it("takes all along and keeps those that the target has", async () => {
    const vectors = await LayoutStore.open(fileURLToPath(new URL("layout", VECTORS)));
    const image = await vectors.resolve("1");
    const store = new MemoryStore();
    await copyImage(vectors, image, store, "1");
    await signImage(store, image, { signer: ALICE, identity: "registry.example/os", forms: BOTH });
    const everyKey = [ALICE.publicKey, COSIGN_PUB];
    for (let times = 0; times < 2; times++) {
      await copySignatures(vectors, image, store);
      expect(summary(await judge(store, image, everyKey))).toEqual([
        "simple registry.example/os alice.pub",
        "simple 127.0.0.1:15077/vec/os cosign.pub",
        "simple registry.example/os:1 cosign.pub",
        "bundle registry.example/os alice.pub",
        "simple 127.0.0.1:15077/vec/os cosign.pub",
        "simple registry.example/os:1 cosign.pub",
        "bundle 127.0.0.1:15077/vec/os cosign.pub",
      ]);
    }
  });
});

describe("judging", () => {
  it("tells a signature of another image", async () => {
    const store = new MemoryStore();
    const [image, other] = [await pushImage(store), await pushImage(store, "other")];
    await signImage(store, other, { signer: ALICE, identity: "registry.example/os", forms: ["simple"] });
    await store.tag(await store.resolve(signatureName(other.digest)), signatureName(image.digest));
    expect(summary(await judge(store, image))).toEqual([`it is of another image, ${other.digest}`]);
  });

  it("does not take a bundle of another image for one of this", async () => {
    const other = describeBytes(MEDIA_TYPE.manifest, Buffer.from("other"));
    const bundle = parseBundle(formatBundle({ digest: other.digest, identity: "a/b" }, ALICE), "bundle", other.digest);
    expect(bundle.claims()).toEqual({ digest: other.digest, identity: "a/b" });
    const image = describeBytes(MEDIA_TYPE.manifest, Buffer.from("image"));
    const source = {
      signatures: async function* (): AsyncGenerator<typeof bundle> {
        yield await Promise.resolve(bundle);
      },
    };
    const judged = await Array.fromAsync(judgeSignatures(source, image.digest, [ALICE.publicKey], () => undefined));
    expect(summary(judged)).toEqual([`it is of another image, ${other.digest}`]);
  });

  it("says what is wrong with each signature and goes on to the next", async () => {
    const store = new MemoryStore();
    const image = await pushImage(store);
    const payload = formatSimpleSigning({ digest: image.digest, identity: "registry.example/os" });
    const signed = (bytes: Uint8Array): Record<string, string> => ({
      [SIGNATURE_ANNOTATION]: encodeBase64(signBytes(ALICE, bytes)),
    });
    const junk = Buffer.from('{"critical":{},"critical":{}}');
    const big = new Uint8Array(MAX_SIGNATURE_BYTES + 1);
    for (const bytes of [payload, junk, big]) await pushBytes(store, describeBytes(SIMPLE_SIGNING_TYPE, bytes), bytes);
    const layer = describeBytes(SIMPLE_SIGNING_TYPE, payload);
    const missing = describeBytes(SIMPLE_SIGNING_TYPE, Buffer.from("missing"));
    const layers: readonly Descriptor[] = [
      { ...layer, mediaType: "text/plain" },
      layer,
      { ...layer, annotations: { [SIGNATURE_ANNOTATION]: "?" } },
      { ...missing, annotations: signed(payload) },
      { ...describeBytes(SIMPLE_SIGNING_TYPE, big), annotations: signed(big) },
      { ...describeBytes(SIMPLE_SIGNING_TYPE, junk), annotations: signed(junk) },
      { ...layer, annotations: signed(junk) },
      { ...layer, annotations: signed(payload) },
    ];
    await tagSignatures(store, image, layers);
    const judged = summary(await judge(store, image));
    const wanted = [
      /text\/plain/,
      /no signature in base64/,
      /no signature in base64/,
      /cannot find/,
      /more than 131072/,
      /critical.* twice/,
      /not by alice/,
      /^simple registry/,
    ];
    expect(judged).toHaveLength(wanted.length);
    for (const [index, pattern] of wanted.entries()) expect(judged[index]).toMatch(pattern);
  });

  it("stops after so many signatures", async () => {
    const store = new MemoryStore();
    const image = await pushImage(store);
    const layer = describeBytes("text/plain", Buffer.from("x"));
    await tagSignatures(
      store,
      image,
      Array.from({ length: MAX_SIGNATURES + 5 }, () => layer),
    );
    const judged = await judge(store, image);
    expect(judged).toHaveLength(MAX_SIGNATURES + 1);
    expect(judged.at(-1)?.reason).toMatch(/more than 200/);
  });

  it("accepts no changed byte of payload, bundle or signature", async () => {
    const { digest } = describeBytes(MEDIA_TYPE.manifest, Buffer.from("image"));
    const claims = { digest, identity: "registry.example/os:1" };
    const bundle = Buffer.from(formatBundle(claims, ALICE));
    const source = (bytes: Uint8Array): Parameters<typeof judgeSignatures>[0] => ({
      signatures: async function* () {
        yield await Promise.resolve(parseBundle(bytes, "bundle", digest));
      },
    });
    const verdict = async (bytes: Uint8Array): Promise<JudgedSignature["accepted"]> => {
      try {
        const judged = await Array.fromAsync(
          judgeSignatures(source(bytes), digest, [ALICE.publicKey], () => undefined),
        );
        return judged[0]?.accepted;
      } catch (error) {
        expect(error).toMatchObject({ name: "OciError" });
        return undefined;
      }
    };
    expect(await verdict(bundle)).toMatchObject(claims);
    const envelope = bundle.indexOf('"payload":') + '"payload":"'.length;
    for (let at = 0; at < bundle.length; at += 3) {
      const changed = Buffer.from(bundle);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const accepted = await verdict(changed);
      // Outside the envelope (media type, hint) nothing is trusted, so nothing is lost.
      if (accepted !== undefined) {
        expect(at).toBeLessThan(envelope);
        expect(accepted).toMatchObject(claims);
      }
      expect(await verdict(bundle.subarray(0, at))).toBeUndefined();
    }
  });
});

async function tagSignatures(store: Store, image: Descriptor, layers: readonly Descriptor[]): Promise<void> {
  const config = describeBytes(MEDIA_TYPE.config, Buffer.from("{}"));
  const bytes = formatManifest({ mediaType: MEDIA_TYPE.manifest, config, layers, annotations: {} });
  const descriptor = describeBytes(MEDIA_TYPE.manifest, bytes);
  await pushBytes(store, descriptor, bytes);
  await store.tag(descriptor, signatureName(image.digest));
}

// The signatures that a store has of an image: the layers of the manifest that cosign names `sha256-<hex>.sig`, and the
// manifests that refer to the image and hold a bundle. Whatever is wrong with one does not hide the others.
import { concatBytes } from "../../base/bytes/index.ts";
import { type Digest, DigestError } from "../../base/digest.ts";
import { messageOf } from "../../base/errors.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { type Manifest, parseManifest } from "../manifest.ts";
import { isManifestType, MEDIA_TYPE } from "../media-types.ts";
import { fetchDocument, type ReadableStore } from "../store.ts";
import {
  type AttachedSignature,
  MAX_SIGNATURE_BYTES,
  MAX_SIGNATURES,
  type SignatureSource,
  type UnusableSignature,
} from "./attached.ts";
import { decodeBase64 } from "./base64.ts";
import { BUNDLE_TYPE_PATTERN, parseBundle } from "./bundle.ts";
import { listReferrers, referrersTag, resolveIfThere } from "../referrers.ts";
import { parseSimpleSigning, SIMPLE_SIGNING_TYPE } from "./simple-signing.ts";

/** On the layer that holds the payload: base64 of the signature over it. */
export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
/** cosign 2 with COSIGN_EXPERIMENTAL: the `.sig` manifest as a referrer. */
const REFERRING_SIG_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json";

/** Manifests that are opened to see whether they are signatures. */
const MAX_REFERRERS = 1000;

/** The name under which cosign keeps an image's signatures beside it. */
export function signatureName(digest: Digest): string {
  return `${referrersTag(digest)}.sig`;
}

type Found = AttachedSignature | UnusableSignature;

/** What a store has attached to an image. */
export function storeSignatures(store: ReadableStore): SignatureSource {
  return {
    async *signatures(digest) {
      let count = 0;
      for await (const found of everySignature(store, digest)) {
        if (count++ === MAX_SIGNATURES) {
          yield {
            where: store.description,
            reason: `there are more than ${MAX_SIGNATURES}; the rest is not looked at`,
          };
          return;
        }
        yield found;
      }
    },
  };
}

async function* everySignature(store: ReadableStore, digest: Digest): AsyncGenerator<Found> {
  for await (const found of signatureManifests(store, digest)) {
    if ("reason" in found) yield found;
    else yield* readLayers(store, found, digest);
  }
}

/** A manifest whose layers are signatures of an image. */
export interface SignatureManifest {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  /** For messages. */
  readonly name: string;
  /** It is under the name that cosign gives it, and need not refer to the image. */
  readonly isTagged: boolean;
}

export async function* signatureManifests(
  store: ReadableStore,
  digest: Digest,
): AsyncGenerator<SignatureManifest | UnusableSignature> {
  const name = signatureName(digest);
  const tagged = await resolveIfThere(store, name);
  if (tagged !== undefined) yield readManifest(store, tagged, name, true);
  for (const referrer of (await listReferrers(store, digest)).slice(0, MAX_REFERRERS)) {
    if (!isManifestType(referrer.mediaType) || !mayBeSignature(referrer.artifactType)) continue;
    const found = await readManifest(store, referrer, referrer.digest, false);
    if ("reason" in found || isSignatureOf(found.manifest, digest)) yield found;
  }
}

/** Of a manifest that some list names: there cosign 2 gives the type of the config in place of the artifact's. */
function mayBeSignature(artifactType: string | undefined): boolean {
  return artifactType === undefined || artifactType === MEDIA_TYPE.empty || isSignatureType(artifactType);
}

function isSignatureOf({ subject, artifactType, config }: Manifest, digest: Digest): boolean {
  return subject?.digest === digest && isSignatureType(artifactType ?? config.mediaType);
}

function isSignatureType(artifactType: string): boolean {
  return BUNDLE_TYPE_PATTERN.test(artifactType) || artifactType === REFERRING_SIG_TYPE;
}

async function readManifest(
  store: ReadableStore,
  descriptor: Descriptor,
  name: string,
  isTagged: boolean,
): Promise<SignatureManifest | UnusableSignature> {
  try {
    return { descriptor, name, isTagged, manifest: parseManifest(await fetchDocument(store, descriptor), name) };
  } catch (error) {
    return unusable(name, error);
  }
}

async function* readLayers(
  store: ReadableStore,
  { manifest: { layers }, name }: SignatureManifest,
  digest: Digest,
): AsyncGenerator<Found> {
  for (const [index, layer] of layers.entries()) {
    const where = layers.length === 1 ? name : `${name}, layer ${index + 1}`;
    try {
      yield await readLayer(store, layer, where, digest);
    } catch (error) {
      yield unusable(where, error);
    }
  }
}

async function readLayer(store: ReadableStore, layer: Descriptor, where: string, digest: Digest): Promise<Found> {
  if (BUNDLE_TYPE_PATTERN.test(layer.mediaType))
    return parseBundle(await fetchSmall(store, layer, where), where, digest);
  if (layer.mediaType !== SIMPLE_SIGNING_TYPE) return { where, reason: `its media type is ${layer.mediaType}` };
  const signature = decodeBase64(layer.annotations?.[SIGNATURE_ANNOTATION] ?? "");
  if (signature === undefined || signature.length === 0)
    return { where, reason: `it has no signature in base64 in the annotation ${SIGNATURE_ANNOTATION}` };
  const signed = await fetchSmall(store, layer, where);
  return { form: "simple", where, signed, signatures: [signature], claims: () => parseSimpleSigning(signed, where) };
}

async function fetchSmall(store: ReadableStore, descriptor: Descriptor, where: string): Promise<Uint8Array> {
  if (descriptor.sizeBytes > MAX_SIGNATURE_BYTES)
    throw new OciError(
      "LIMIT",
      `cannot read ${where}: ${descriptor.sizeBytes} bytes, more than ${MAX_SIGNATURE_BYTES}`,
    );
  const chunks: Uint8Array[] = [];
  for await (const chunk of store.fetch(descriptor)) chunks.push(chunk);
  return concatBytes(chunks);
}

/** What is wrong with the content is said of that signature; a store that fails is an error of the whole. */
function unusable(where: string, error: unknown): UnusableSignature {
  if (error instanceof OciError || error instanceof DigestError) return { where, reason: messageOf(error) };
  throw error;
}

// Signs an image in a store: a layer more in the manifest that cosign names `sha256-<hex>.sig`, and a bundle that refers
// to the image. What the same key has said before is not said again, so that signing twice changes nothing.
import type { Digest } from "../../base/digest.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { formatManifest, type Manifest, parseManifest } from "../manifest.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { fetchDocument, pushBytes, type Store } from "../store.ts";
import { untilThere } from "../until-there.ts";
import type { Claims, SignatureForm } from "./attached.ts";
import { encodeBase64 } from "./base64.ts";
import { BUNDLE_ANNOTATIONS, BUNDLE_TYPE, formatBundle } from "./bundle.ts";
import { SIGNATURE_ANNOTATION, signatureName, storeSignatures } from "./find.ts";
import { signBytes, type Signer } from "./private-key.ts";
import { addReferrer, referrerOf, resolveIfThere } from "../referrers.ts";
import { formatSimpleSigning, SIMPLE_SIGNING_TYPE } from "./simple-signing.ts";
import { judgeSignatures } from "./verify.ts";

export interface SignOptions {
  /** The name that the signature is for: `registry.example/os:1`, or without tag. */
  readonly identity: string;
  readonly signer: Signer;
  readonly forms: readonly SignatureForm[];
}

/** Returns the forms that were added; those that were there are left out. Throws OciError and what the store throws. */
export async function signImage(
  store: Store,
  image: Descriptor,
  options: SignOptions,
): Promise<readonly SignatureForm[]> {
  const claims = { digest: image.digest, identity: options.identity };
  const there = await formsOf(store, claims, options.signer);
  const missing = options.forms.filter((form) => !there.has(form));
  for (const form of missing) {
    if (form === "simple") await attachLayer(store, claims, options.signer);
    else await attachBundle(store, image, claims, options.signer);
  }
  return missing;
}

async function formsOf(store: Store, claims: Claims, { publicKey }: Signer): Promise<ReadonlySet<SignatureForm>> {
  const forms = new Set<SignatureForm>();
  const same = (claimed: string | undefined): string | undefined => (claimed === claims.identity ? undefined : "other");
  for await (const { accepted } of judgeSignatures(storeSignatures(store), claims.digest, [publicKey], same))
    if (accepted !== undefined) forms.add(accepted.form);
  return forms;
}

async function attachLayer(
  store: Store,
  claims: Claims & { readonly identity: string },
  signer: Signer,
): Promise<void> {
  const payload = formatSimpleSigning(claims);
  const blob = describeBytes(SIMPLE_SIGNING_TYPE, payload);
  await pushBytes(store, blob, payload);
  const annotations = { [SIGNATURE_ANNOTATION]: encodeBase64(signBytes(signer, payload)) };
  await addLayers(store, signatureName(claims.digest), [{ ...blob, annotations }]);
}

/** Adds to a `.sig` manifest, or another of cosign's, what it does not have; makes it where there is none. */
export async function addLayers(store: Store, name: string, added: readonly Descriptor[]): Promise<void> {
  await untilThere(`${name} of ${store.description}`, () => addMissing(store, name, added));
}

async function addMissing(store: Store, name: string, added: readonly Descriptor[]): Promise<boolean> {
  const there = await resolveIfThere(store, name);
  const before = there === undefined ? undefined : parseManifest(await fetchDocument(store, there), name);
  const identityOf = (layer: Descriptor): string => `${layer.digest} ${layer.annotations?.[SIGNATURE_ANNOTATION]}`;
  const known = new Set(before?.layers.map(identityOf));
  const missing = added.filter((layer) => !known.has(identityOf(layer)));
  if (missing.length === 0) return true;
  const layers = [...(before?.layers ?? []), ...missing];
  const config = await pushJson(store, MEDIA_TYPE.config, imageConfigOf(layers.map((layer) => layer.digest)));
  const annotations = before?.annotations ?? {};
  const manifest: Manifest = { mediaType: MEDIA_TYPE.manifest, config, layers, annotations };
  await store.tag(await pushManifest(store, manifest), name);
  return false;
}

/** cosign reads signatures as an image: its layers are not compressed, so their digests are the diffIds. */
function imageConfigOf(diffIds: readonly Digest[]): object {
  return { architecture: "", os: "", config: {}, rootfs: { type: "layers", diff_ids: diffIds } };
}

async function attachBundle(store: Store, image: Descriptor, claims: Claims, signer: Signer): Promise<void> {
  const bundle = formatBundle(claims, signer);
  const blob = describeBytes(BUNDLE_TYPE, bundle);
  await pushBytes(store, blob, bundle);
  const { mediaType, digest, sizeBytes } = image;
  const manifest: Manifest = {
    mediaType: MEDIA_TYPE.manifest,
    artifactType: BUNDLE_TYPE,
    config: await pushJson(store, MEDIA_TYPE.empty, {}),
    layers: [blob],
    subject: { mediaType, digest, sizeBytes },
    annotations: BUNDLE_ANNOTATIONS,
  };
  await addReferrer(store, digest, referrerOf(await pushManifest(store, manifest), manifest));
}

async function pushJson(store: Store, mediaType: string, value: object): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const descriptor = describeBytes(mediaType, bytes);
  await pushBytes(store, descriptor, bytes);
  return descriptor;
}

async function pushManifest(store: Store, manifest: Manifest): Promise<Descriptor> {
  const bytes = formatManifest(manifest);
  const descriptor = describeBytes(manifest.mediaType, bytes);
  await pushBytes(store, descriptor, bytes);
  return descriptor;
}

// `slipway sign`: attaches signatures to an image where it is, in a registry, an OCI layout or the local store.
import {
  type Descriptor,
  expandedName,
  fetchDocument,
  formatImageName,
  formatReference,
  isIndexType,
  locate,
  type Located,
  OciError,
  openPrivateKey,
  parseImageIndex,
  parseReference,
  readKeyFile,
  type Reference,
  referenceFound,
  SignatureError,
  type SignatureForm,
  signImage,
  type Store,
} from "../../oci/index.ts";
import type { CommandFunction } from "../app.ts";
import { keyPassword } from "../key-password.ts";
import { openPlaces } from "../places.ts";

const FORMS: Readonly<Record<string, readonly SignatureForm[]>> = {
  both: ["simple", "bundle"],
  tag: ["simple"],
  referrer: ["bundle"],
};

export const sign: CommandFunction = async (context, [text = ""], options) => {
  const reference = parseReference(text);
  await using places = await openPlaces(context, options);
  // A mirror may have older signatures: those that it lacks would be lost.
  const registry: typeof places.registry = (image) => places.registry(image, { mirrors: false });
  await using located = await locate(reference, { ...places, registry });
  const store = writableStore(reference, located);
  const identity = identityOf(referenceFound(reference, located), options["identity"]);
  const keyFile = String(options["key"]);
  const signer = await openPrivateKey(await readKeyFile(keyFile), () => keyPassword(context), keyFile);
  const forms = FORMS[String(options["attach"])] ?? [];
  const top = await store.resolve(located.name);
  const signed: { readonly digest: string; readonly added: readonly SignatureForm[] }[] = [];
  for (const image of options["recursive"] === true ? await withMembers(store, top) : [top]) {
    context.signal.throwIfAborted();
    signed.push({ digest: image.digest, added: await signImage(store, image, { identity, signer, forms }) });
  }
  return {
    text: signed
      .map(({ digest, added }) => `${digest}  ${added.length === 0 ? "already signed" : "signed"} for ${identity}\n`)
      .join(""),
    data: { identity, store: store.description, signed },
  };
};

/** Archives and directories of one image have no place for signatures. */
function writableStore(reference: Reference, { store }: Located): Store {
  if (["oci", "docker", "store"].includes(reference.transport) && "tag" in store) return store as Store;
  throw new OciError("UNSUPPORTED", `cannot sign ${formatReference(reference)}: it has no place for signatures`, {
    hint: "Copy the image to oci:DIR:TAG or to a registry and sign it there",
  });
}

/** What the signature says the image is. Names that mean something on this machine only are no such thing. */
function identityOf(reference: Reference, given: unknown): string {
  if (typeof given === "string") {
    const name = expandedName(given);
    if (name !== undefined) return formatImageName(name);
    throw new SignatureError("BAD_IDENTITY", `cannot sign for ${JSON.stringify(given)}: it is no image name`);
  }
  const hint = "Say where the image is going to be found: --identity registry.example/os:1";
  const name = "image" in reference ? reference.image : expandedNameInLayout(reference);
  if (name?.registry === undefined || name.registry === "localhost")
    throw new SignatureError("BAD_IDENTITY", `cannot tell what to sign ${formatReference(reference)} for`, { hint });
  const { registry, repository, tag } = name;
  return formatImageName({ registry, repository, ...(tag === undefined ? {} : { tag }) });
}

/** Names in layouts are often bare tags. */
function expandedNameInLayout(reference: Reference): ReturnType<typeof expandedName> {
  const name = "name" in reference ? reference.name : undefined;
  return name?.includes("/") === true ? expandedName(name) : undefined;
}

async function withMembers(store: Store, top: Descriptor): Promise<readonly Descriptor[]> {
  if (!isIndexType(top.mediaType)) return [top];
  return [top, ...parseImageIndex(await fetchDocument(store, top), top.digest).manifests];
}

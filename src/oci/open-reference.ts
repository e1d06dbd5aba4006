// From a name to the store it lives in: the one place that knows all transports.
import { OciError } from "./error.ts";
import { ArchiveStore } from "./archive/reader.ts";
import { type Image, openImage, type OpenImageOptions } from "./image.ts";
import { LayoutStore } from "./layout/store.ts";
import { formatReference, parseReference, type Reference, storeName } from "./reference.ts";
import type { ReadableStore } from "./store.ts";

export interface Located {
  readonly store: ReadableStore;
  /** The image's name within the store. */
  readonly name: string | undefined;
}

/** `images` is the local store's. Throws OciError NOT_FOUND, BAD_LAYOUT, UNSUPPORTED. */
export async function locate(reference: Reference, images: ReadableStore): Promise<Located> {
  switch (reference.transport) {
    case "oci":
      return { store: await LayoutStore.open(reference.path), name: reference.name };
    case "oci-archive":
      return { store: await ArchiveStore.open(reference.path), name: reference.name };
    case "store":
      return { store: images, name: storeName(reference.image) };
    default:
      throw new OciError(
        "UNSUPPORTED",
        `cannot read ${formatReference(reference)}: the transport ${reference.transport} is not supported yet`,
        {
          hint: `Copy it first: skopeo copy ${formatReference(reference)} oci:DIRECTORY:TAG`,
        },
      );
  }
}

/** Opens the image that a text names. Throws OciError BAD_REFERENCE and what `locate` and `openImage` throw. */
export async function openReference(
  text: string,
  images: ReadableStore,
  options: OpenImageOptions = {},
): Promise<Image> {
  const reference = parseReference(text);
  const { store, name } = await locate(reference, images);
  if (reference.transport === "store") await assertStored(store, name, text, reference);
  return openImage(store, name, options);
}

async function assertStored(
  store: ReadableStore,
  name: string | undefined,
  text: string,
  reference: Reference,
): Promise<void> {
  try {
    await store.resolve(name);
  } catch (error) {
    if (!(error instanceof OciError) || error.code !== "NOT_FOUND") throw error;
    const host = reference.transport === "store" ? reference.image.registry : undefined;
    throw new OciError(
      "NOT_FOUND",
      `cannot find image ${JSON.stringify(text)}: the local store (${store.description}) has no ${name}`,
      {
        hint:
          host === undefined
            ? "Build or pull it first, or name a transport, as in oci:DIR:TAG"
            : `Pull it first, or copy it: skopeo copy docker://${text} oci:DIRECTORY:TAG`,
        cause: error,
        data: { name: name ?? null, store: store.description },
      },
    );
  }
}

// Images of several platforms under one digest (image-spec image-index.md).
import {
  describeBytes,
  type Descriptor,
  formatImageIndex,
  MEDIA_TYPE,
  type Platform,
  pushBytes,
  type Store,
} from "../oci/index.ts";

/** Puts the index into the store, without a name. */
export async function writeIndex(
  images: readonly { readonly descriptor: Descriptor; readonly platform: Platform }[],
  store: Store,
): Promise<Descriptor> {
  const manifests = images.map(({ descriptor, platform }) => ({ ...descriptor, platform }));
  const bytes = formatImageIndex({ mediaType: MEDIA_TYPE.index, manifests, annotations: {} });
  const descriptor = describeBytes(MEDIA_TYPE.index, bytes);
  await pushBytes(store, descriptor, bytes);
  return descriptor;
}

// Searches a whole image for secrets: its documents, and every layer with what later layers delete.
import type { Image, LayerCache } from "../../oci/index.ts";
import { assertNoLeaks, findConfigLeaks, findLeaks } from "./leaks.ts";
import type { Secret } from "./secret.ts";

/** Throws BuildError SECRET_LEAKED at the first document or layer that holds one. */
export async function assertImageHasNoSecrets(
  image: Image,
  cache: LayerCache,
  secrets: readonly Secret[],
  signal: AbortSignal,
): Promise<void> {
  if (secrets.length === 0) return;
  for (const document of [image.configBytes, image.manifestBytes]) {
    assertNoLeaks(findConfigLeaks(document, secrets), "the image");
  }
  for (const [index, layer] of image.layers.entries()) {
    using open = await cache.open(image.store, layer, { signal });
    assertNoLeaks(await findLeaks(open.entries, secrets), `layer ${index + 1} of the image`);
  }
}

// `slipway pull IMAGE…`: registry images into the local store, blobs as received, nothing unpacked.
import { expandName, OciError, parseReference, type QualifiedName, storeName } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { copyReference } from "../../image-copy.ts";
import { type CommandPlaces, openPlaces } from "../../places.ts";
import { copiedText } from "../../print/copied.ts";

export const pull: CommandFunction = async (context, names, options) => {
  await using places = await openPlaces(context, options);
  const pulled = [];
  for (const text of names) {
    const image = await registryName(text, places);
    const name = storeName(image);
    const result = await copyReference(
      context,
      places,
      { transport: "docker", image },
      { transport: "store", image },
      options,
    );
    pulled.push({ name, ...result });
  }
  return { text: pulled.map(({ name, ...result }) => copiedText(name, result)).join(""), data: { images: pulled } };
};

/** Never the local store: an image that is there is pulled anew. */
async function registryName(text: string, places: CommandPlaces): Promise<QualifiedName> {
  const reference = parseReference(text);
  if (reference.transport === "docker") return reference.image;
  if (reference.transport !== "store") {
    throw new OciError("BAD_REFERENCE", `cannot pull ${JSON.stringify(text)}: it is not at a registry`, {
      hint: `Copy it: slipway copy ${text} NAME`,
    });
  }
  return expandName(reference.image, places);
}

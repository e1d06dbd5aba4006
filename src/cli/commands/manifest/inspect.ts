// `slipway manifest inspect LIST [--arches]`.
import { fetchDocument, isIndexType, locate, OciError, parseImageIndex, parseReference } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { openPlaces } from "../../places.ts";
import { listText } from "../../print/list.ts";

export const manifestInspect: CommandFunction = async (context, [text = ""], options) => {
  await using places = await openPlaces(context, options);
  await using located = await locate(parseReference(text), places);
  const descriptor = await located.store.resolve(located.name);
  if (!isIndexType(descriptor.mediaType)) {
    throw new OciError(
      "NOT_AN_IMAGE",
      `cannot show ${text} as a list: it is a single image (${descriptor.mediaType})`,
      {
        hint: `Try: slipway inspect ${text}`,
      },
    );
  }
  const index = parseImageIndex(await fetchDocument(located.store, descriptor), `list ${text}`);
  const { digest, mediaType } = descriptor;
  if (options["arches"] === true) {
    const arches = index.manifests.flatMap(({ platform }) =>
      platform === undefined || platform.os === "unknown" ? [] : [platform.architecture],
    );
    return { text: arches.map((arch) => `${arch}\n`).join(""), data: { name: text, digest, arches } };
  }
  const { manifests, annotations } = index;
  return { text: listText(text, digest, index), data: { name: text, digest, mediaType, manifests, annotations } };
};

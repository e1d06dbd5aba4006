// `slipway media extract IMAGE`: the disk of an image that may be anywhere.
import { parseReference } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { fetchDisk } from "../../media-file.ts";
import { openPlaces } from "../../places.ts";

export const mediaExtract: CommandFunction = async (context, [text = ""], options) => {
  await using places = await openPlaces(context, options);
  return await fetchDisk(context, places, parseReference(text), options);
};

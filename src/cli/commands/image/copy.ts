// `slipway copy SOURCE DESTINATION`.
import { formatReference, parseReference } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { copyReference } from "../../image-copy.ts";
import { openPlaces } from "../../places.ts";
import { copiedText } from "../../print/copied.ts";

export const copy: CommandFunction = async (context, [from = "", to = ""], options) => {
  const source = parseReference(from);
  const destination = parseReference(to);
  await using places = await openPlaces(context, options);
  const result = await copyReference(context, places, source, destination, options);
  const name = formatReference(destination);
  return { text: copiedText(name, result), data: { source: formatReference(source), destination: name, ...result } };
};

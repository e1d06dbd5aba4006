// `slipway push IMAGE [DESTINATION]`: an image of the local store, all its platforms if it has several.
import { formatReference, OciError, parseReference, type Reference, storeName } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { copyReference } from "../../image-copy.ts";
import { openPlaces } from "../../places.ts";
import { copiedText } from "../../print/copied.ts";

export const push: CommandFunction = async (context, [name = "", to], options) => {
  const source = parseReference(name);
  const destination = pushDestination(source, to);
  await using places = await openPlaces(context, options);
  const result = await copyReference(context, places, source, destination, { ...options, all: true });
  const target = formatReference(destination);
  return {
    text: copiedText(target, result),
    data: { source: formatReference(source), destination: target, ...result },
  };
};

/** Without a transport a destination is at a registry; without a destination the image's name says which. */
export function pushDestination(source: Reference, to: string | undefined): Reference {
  const reference = to === undefined ? source : parseReference(to);
  if (reference.transport !== "store") {
    if (to !== undefined) return reference;
    throw noDestination(formatReference(source));
  }
  const { registry } = reference.image;
  if (registry === undefined || registry === "localhost") throw noDestination(storeName(reference.image));
  return parseReference(`docker://${formatReference(reference)}`);
}

function noDestination(name: string): OciError {
  return new OciError("BAD_REFERENCE", `cannot push ${name}: its name says of no registry`, {
    hint: `Give the destination: slipway push ${name} docker://HOST/NAME:TAG`,
  });
}

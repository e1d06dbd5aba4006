// `slipway media pull NAME`: always from the registry, never from the local store.
import { expandName, OciError, parseReference, type Reference } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { fetchDisk } from "../../media-file.ts";
import { type CommandPlaces, openPlaces } from "../../places.ts";

export const mediaPull: CommandFunction = async (context, [text = ""], options) => {
  await using places = await openPlaces(context, options);
  return await fetchDisk(context, places, await registryReference(text, places), options);
};

async function registryReference(text: string, places: CommandPlaces): Promise<Reference> {
  const reference = parseReference(text);
  if (reference.transport === "docker") return reference;
  if (reference.transport !== "store") {
    throw new OciError("BAD_REFERENCE", `cannot pull ${JSON.stringify(text)}: it is not at a registry`, {
      hint: `Take the disk out of it: slipway media extract ${text} -o FILE`,
    });
  }
  return { transport: "docker", image: await expandName(reference.image, places) };
}

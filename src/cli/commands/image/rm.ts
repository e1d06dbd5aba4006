// `slipway rm IMAGE…`: names go, content stays until `prune`.
import { locate, OciError, openLocalStore, parseReference } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";

export const rm: CommandFunction = async (context, names) => {
  const { images } = await openLocalStore(context.storePath);
  // All of them are looked up before the first one goes.
  const found: string[] = [];
  for (const text of names) {
    const reference = parseReference(text);
    if (reference.transport !== "store") {
      throw new OciError(
        "BAD_REFERENCE",
        `cannot remove ${JSON.stringify(text)}: it is not a name of the local store`,
        {
          hint: "Give a name that `slipway images` shows",
        },
      );
    }
    const { name } = await locate(reference, { images });
    if (name !== undefined) found.push(name);
  }
  for (const name of new Set(found)) await images.delete(name);
  return {
    text: `${found.map((name) => `forgot ${name}\n`).join("")}slipway prune frees the room\n`,
    data: { removed: found },
  };
};

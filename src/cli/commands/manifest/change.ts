// `slipway manifest annotate LIST IMAGE` and `slipway manifest remove LIST DIGEST…`.
import { isDigest } from "../../../base/digest.ts";
import { locate, type ManifestList, newStoreName, OciError, parseReference, readList } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { openPlaces } from "../../places.ts";
import { changeEntry, type EntryOptions, keepList } from "./create.ts";

export const manifestAnnotate: CommandFunction = async (context, [text = "", member = ""], options) => {
  await using places = await openPlaces(context, options);
  const name = newStoreName(text);
  const list = await readList(places.images, name);
  let digest = member;
  if (!isDigest(member)) {
    await using located = await locate(parseReference(member), places);
    digest = (await located.store.resolve(located.name)).digest;
  }
  assertMember(list, name, digest);
  const manifests = list.index.manifests.map((each) =>
    each.digest === digest ? changeEntry(each, options as EntryOptions) : each,
  );
  return await keepList(places, name, { ...list, index: { ...list.index, manifests } });
};

export const manifestRemove: CommandFunction = async (context, [text = "", ...digests], options) => {
  await using places = await openPlaces(context, options);
  const name = newStoreName(text);
  const list = await readList(places.images, name);
  for (const digest of digests) assertMember(list, name, digest);
  const manifests = list.index.manifests.filter(({ digest }) => !digests.includes(digest));
  return await keepList(places, name, { ...list, index: { ...list.index, manifests } });
};

function assertMember({ index }: ManifestList, name: string, digest: string): void {
  if (index.manifests.some((each) => each.digest === digest)) return;
  throw new OciError("NOT_FOUND", `cannot find ${digest} in the list ${name}`, {
    hint: "Give a digest that `slipway manifest inspect` shows",
  });
}

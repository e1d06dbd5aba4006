// `slipway manifest create LIST [IMAGE…]` and `slipway manifest add LIST IMAGE…`.
import {
  addMembers,
  describeMembers,
  type Descriptor,
  EMPTY_LIST,
  locate,
  makePlatform,
  type ManifestList,
  newStoreName,
  OciError,
  parseReference,
  type Platform,
  readList,
  storeName,
  writeList,
} from "../../../oci/index.ts";
import type { CommandFunction, CommandResult } from "../../app.ts";
import { type CommandPlaces, openPlaces } from "../../places.ts";
import { listText } from "../../print/list.ts";

export interface EntryOptions {
  readonly os?: string;
  readonly arch?: string;
  readonly variant?: string;
  readonly annotation?: readonly string[];
}

export const manifestCreate: CommandFunction = async (context, [text = "", ...members], options) => {
  await using places = await openPlaces(context, options);
  const name = newStoreName(text);
  const before = await readList(places.images, name).catch((error: unknown) => {
    if (error instanceof OciError && error.code === "NOT_FOUND") return undefined;
    throw error;
  });
  if (before !== undefined && options["amend"] !== true) {
    throw new OciError("AMBIGUOUS", `cannot create the list ${name}: there is one already`, {
      hint: "Give --amend to add to it, or remove it first: slipway rm NAME",
    });
  }
  const list = before ?? EMPTY_LIST;
  const annotations = { ...list.index.annotations, ...parseAnnotations((options as EntryOptions).annotation) };
  return await keepList(
    places,
    name,
    await addAll(places, { ...list, index: { ...list.index, annotations } }, members, {}),
  );
};

export const manifestAdd: CommandFunction = async (context, [text = "", ...members], options) => {
  await using places = await openPlaces(context, options);
  const name = newStoreName(text);
  const list = await readList(places.images, name);
  return await keepList(places, name, await addAll(places, list, members, options));
};

/** Every member is looked up before the list changes. */
async function addAll(
  places: CommandPlaces,
  list: ManifestList,
  texts: readonly string[],
  options: EntryOptions,
): Promise<ManifestList> {
  let result = list;
  for (const text of texts) {
    await using located = await locate(parseReference(text), places);
    const members = await describeMembers(located, places.images);
    const origin = located.isLocal ? undefined : originOf(text, located.registryName);
    result = addMembers(
      result,
      members.map((member) => changeEntry(member, options)),
      origin,
    );
  }
  return result;
}

/** The full name: a short one may mean something else tomorrow. */
function originOf(text: string, image: Parameters<typeof storeName>[0] | undefined): string {
  return image === undefined ? text : `docker://${storeName(image)}`;
}

/** Keeps the list under its name, and shows it. */
export async function keepList(places: CommandPlaces, name: string, list: ManifestList): Promise<CommandResult> {
  const { digest } = await writeList(places.images, name, list);
  return { text: listText(name, digest, list.index), data: { name, digest, manifests: list.index.manifests } };
}

/** What the options say in place of what the image says. */
export function changeEntry(member: Descriptor, options: EntryOptions): Descriptor {
  const { os, arch, variant, annotation } = options;
  const before: Platform | undefined = member.platform;
  const changed = os !== undefined || arch !== undefined || variant !== undefined;
  if (changed && before === undefined && arch === undefined)
    throw new OciError("BAD_PLATFORM", `cannot describe ${member.digest}: its architecture is unknown`, {
      hint: "Give --arch",
    });
  const platform = changed
    ? makePlatform(os ?? before?.os ?? "linux", arch ?? before?.architecture ?? "", variant ?? before?.variant)
    : before;
  const annotations = { ...member.annotations, ...parseAnnotations(annotation) };
  return {
    ...member,
    ...(platform === undefined ? {} : { platform }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  };
}

function parseAnnotations(texts: readonly string[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (texts ?? []).map((text) => {
      const at = text.indexOf("=");
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new OciError("BAD_REFERENCE", `cannot use --annotation ${JSON.stringify(text)}: want KEY=VALUE`);
    }),
  );
}

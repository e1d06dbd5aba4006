// `slipway manifest push LIST [DESTINATION]`: every member is found before the first byte is sent.
import { messageOf, SlipwayError } from "../../../base/errors.ts";
import {
  copyAttached,
  copyImage,
  type Descriptor,
  fetchDocument,
  formatReference,
  locate,
  type Located,
  OciError,
  openDestination,
  parseManifest,
  parseReference,
  type Places,
  pushBytes,
  readList,
  type ReadableStore,
  storeName,
} from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { copyOptions, guard, withLogin } from "../../image-copy.ts";
import { openPlaces } from "../../places.ts";
import { listText } from "../../print/list.ts";
import { pushDestination } from "../image/push.ts";

export const manifestPush: CommandFunction = async (context, [text = "", to], options) => {
  const source = parseReference(text);
  if (source.transport !== "store")
    throw new OciError("BAD_REFERENCE", `cannot push ${text} as a list: it is not a name of the local store`);
  const destination = pushDestination(source, to);
  await using places = await openPlaces(context, options);
  const name = storeName(source.image);
  const { index, origins } = await readList(places.images, name);
  const listed = await places.images.resolve(name);
  const members = await findMembers(index.manifests, origins, places);
  try {
    if (destination.transport === "docker" && options["allowRedistribution"] !== true) {
      for (const { descriptor, located } of members)
        await guard(context, located, descriptor, destination.image.registry);
    }
    await withLogin(context, places, destination, options, async () => {
      await using target = await openDestination(destination, places);
      const signatures = target.attachments;
      for (const { descriptor, located } of members) {
        await copyImage(located.store, descriptor, target.store, undefined, {
          ...copyOptions(context, located, target, {}),
          preserveDigests: true,
        });
        if (signatures !== undefined) await copyAttached(located.store, descriptor, target.store, { signatures });
      }
      await pushBytes(target.store, listed, await fetchDocument(places.images, listed));
      if (signatures !== undefined) await copyAttached(places.images, listed, target.store, { signatures });
      const { mediaType, digest, sizeBytes } = listed;
      await target.publish({ mediaType, digest, sizeBytes });
    });
  } finally {
    for (const { located } of members) await located[Symbol.asyncDispose]();
  }
  const target = formatReference(destination);
  return {
    text: listText(target, listed.digest, index),
    data: { source: name, destination: target, digest: listed.digest, manifests: index.manifests },
  };
};

interface Member {
  readonly descriptor: Descriptor;
  readonly located: Located;
}

/** Where each member is whole: the local store, or where it was found when it was added. Throws INCOMPLETE for the rest. */
async function findMembers(
  manifests: readonly Descriptor[],
  origins: Readonly<Record<string, string>>,
  places: Places,
): Promise<readonly Member[]> {
  const members: Member[] = [];
  const missing: string[] = [];
  for (const descriptor of manifests) {
    const located = (await isWhole(places.images, descriptor))
      ? inStore(places.images, descriptor)
      : await atOrigin(descriptor, origins[descriptor.digest], places).catch((error: unknown) => {
          if (!(error instanceof SlipwayError)) throw error;
          return messageOf(error);
        });
    if (typeof located === "string") missing.push(`${descriptor.digest} (${located})`);
    else members.push({ descriptor, located });
  }
  if (missing.length === 0) return members;
  for (const { located } of members) await located[Symbol.asyncDispose]();
  throw new OciError(
    "INCOMPLETE",
    `cannot push the list: ${missing.length} of its images cannot be found: ${missing.join("; ")}`,
    {
      hint: "Push or pull those images first, or take them out: slipway manifest remove LIST DIGEST",
    },
  );
}

async function isWhole(images: ReadableStore, descriptor: Descriptor): Promise<boolean> {
  if (!(await images.exists(descriptor))) return false;
  const { config, layers } = parseManifest(await fetchDocument(images, descriptor), descriptor.digest);
  for (const blob of [config, ...layers]) if (!(await images.exists(blob))) return false;
  return true;
}

function inStore(store: ReadableStore, { digest }: Descriptor): Located {
  return { store, name: digest, isLocal: true, [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function atOrigin(descriptor: Descriptor, origin: string | undefined, places: Places): Promise<Located | string> {
  if (origin === undefined) return "the local store does not have all of it";
  const located = await locate(parseReference(origin), places);
  if (await located.store.exists(descriptor)) return located;
  await located[Symbol.asyncDispose]();
  return `${origin} does not have it any more`;
}

// From a name to the store it lives in: the one place that knows how each transport is read. Beside it: destination.ts.
import { messageOf, SlipwayError } from "../base/errors.ts";
import { ArchiveStore } from "./archive/reader.ts";
import { openStorageImage } from "./containers-storage.ts";
import { DirStore } from "./dir/store.ts";
import { DockerArchiveStore } from "./docker-archive/reader.ts";
import type { Descriptor } from "./descriptor.ts";
import { OciError } from "./error.ts";
import { type Image, openImage, type OpenImageOptions } from "./image.ts";
import { LayoutStore } from "./layout/store.ts";
import { PULLED_FROM } from "./local-store.ts";
import {
  formatImageName,
  formatReference,
  type ImageName,
  parseReference,
  type QualifiedName,
  type Reference,
  storeName,
  withDefaults,
} from "./reference.ts";
import type { ReadableStore, Store } from "./store.ts";

/** Where names may lead. Without registries, a name that the local store does not have is not found. */
export interface Places {
  /** The local store's images. */
  readonly images: Store;
  /** One repository of a registry; with `mirrors` false none is asked, as for what is going to be changed. */
  readonly registry?: (image: QualifiedName, options?: { readonly mirrors?: boolean }) => Promise<Store>;
  /** The full names that a short one may stand for, in order. Throws when there is none. */
  readonly shortNameCandidates?: (image: ImageName) => Promise<readonly QualifiedName[]>;
}

export interface Located extends AsyncDisposable {
  readonly store: ReadableStore;
  /** The image's name within the store. */
  readonly name: string | undefined;
  /** The registry name behind it: that of docker:// itself, or the one that the local store pulled it from. */
  readonly registryName?: QualifiedName;
  /** Found in the local store. */
  readonly isLocal: boolean;
}

const KEEP_OPEN = { [Symbol.asyncDispose]: () => Promise.resolve(), isLocal: false } as const;

/** Throws OciError NOT_FOUND, BAD_LAYOUT, AMBIGUOUS, ProcessError, and what the places throw. */
export async function locate(reference: Reference, places: Places): Promise<Located> {
  switch (reference.transport) {
    case "oci":
      return { ...KEEP_OPEN, store: await LayoutStore.open(reference.path), name: reference.name };
    case "dir":
      return { ...KEEP_OPEN, store: await DirStore.open(reference.path), name: undefined };
    case "oci-archive":
      return closing(await ArchiveStore.open(reference.path), reference.name);
    case "docker-archive":
      return closing(await DockerArchiveStore.open(reference.path), reference.name);
    case "containers-storage": {
      const image = await openStorageImage(reference.name);
      return { ...KEEP_OPEN, ...image, name: undefined, [Symbol.asyncDispose]: () => image[Symbol.asyncDispose]() };
    }
    case "docker":
      return remote(reference.image, places, formatReference(reference));
    case "store":
      return (await locateStored(reference.image, places.images)) ?? (await beyondStore(reference.image, places));
  }
}

function closing(store: ReadableStore & Disposable, name: string | undefined): Located {
  return {
    ...KEEP_OPEN,
    store,
    name,
    [Symbol.asyncDispose]: () => {
      store[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/** Throws UNSUPPORTED where there are no registries. */
async function remote(image: QualifiedName, places: Places, what: string): Promise<Located> {
  if (places.registry === undefined)
    throw new OciError("UNSUPPORTED", `cannot read ${what}: no registry can be reached from here`);
  const store = await places.registry(image);
  return { ...KEEP_OPEN, store, name: nameInRegistry(image), registryName: image };
}

/** With both, the digest says more. */
function nameInRegistry({ tag, digest }: ImageName): string {
  return digest ?? tag ?? "latest";
}

/** By its full name; a short name also by the end of a full one, when there is one such image. */
async function locateStored(image: ImageName, images: Store): Promise<Located | undefined> {
  const wanted = storeName(image);
  const list = (await images.list()).filter((entry) => entry.name !== undefined);
  const ending = `/${formatImageName(withDefaults(image))}`;
  const repository = repositoryOf(formatImageName({ registry: "localhost", ...image }));
  const exact = list.filter(({ name }) => name === wanted);
  const byDigest = list.filter(
    ({ name = "", descriptor }) => descriptor.digest === image.digest && repositoryOf(name) === repository,
  );
  const byEnding = image.registry === undefined ? list.filter(({ name }) => name?.endsWith(ending) === true) : [];
  const found = [exact, byDigest, byEnding].find((entries) => entries.length > 0) ?? [];
  const [first] = found;
  if (first?.name === undefined) return undefined;
  if (new Set(found.map(({ descriptor }) => descriptor.digest)).size > 1) {
    throw new OciError(
      "AMBIGUOUS",
      `cannot choose an image for ${formatImageName(image)}: the local store has ${found.map(({ name }) => name).join(", ")}`,
      { hint: "Give the name with its registry" },
    );
  }
  const registryName = pulledFrom(first.descriptor);
  return {
    ...KEEP_OPEN,
    isLocal: true,
    store: images,
    name: first.name,
    ...(registryName === undefined ? {} : { registryName }),
  };
}

/** Without tag and digest. */
function repositoryOf(name: string): string {
  return name.replace(/(:[^/:@]*)?(@.*)?$/, "");
}

function pulledFrom(descriptor: Descriptor): QualifiedName | undefined {
  const text = descriptor.annotations?.[PULLED_FROM];
  if (text === undefined) return undefined;
  const reference = parseReference(`docker://${text}`);
  return reference.transport === "docker" ? reference.image : undefined;
}

async function beyondStore(image: ImageName, places: Places): Promise<Located> {
  const { registry } = image;
  const name = formatImageName(withDefaults(image));
  // Nobody serves the names that only this machine gives.
  if (registry !== undefined && registry !== "localhost" && places.registry !== undefined)
    return remote({ ...withDefaults(image), registry }, places, name);
  if (registry === undefined && places.shortNameCandidates !== undefined)
    return remote(await expandName(image, places), places, name);
  throw new OciError(
    "NOT_FOUND",
    `cannot find image ${JSON.stringify(name)}: the local store (${places.images.description}) has no ${storeName(image)}`,
    {
      hint: "Build or pull it first, or name a transport, as in docker://HOST/NAME or oci:DIR:TAG",
      data: { name: storeName(image), store: places.images.description },
    },
  );
}

/**
 * The full name of an image at a registry, never of the local store. Of several that a short name may stand for, the
 * first whose registry has it. Throws OciError NOT_FOUND, which says what each of them answered, and what the places throw.
 */
export async function expandName(
  image: ImageName,
  places: Pick<Places, "registry" | "shortNameCandidates">,
): Promise<QualifiedName> {
  const { registry } = image;
  if (registry !== undefined) return { ...withDefaults(image), registry };
  const candidates = ((await places.shortNameCandidates?.(image)) ?? []).map((each) => withDefaults(each));
  const [first, ...more] = candidates;
  if (first !== undefined && more.length === 0) return first;
  const answers: string[] = [];
  for (const candidate of candidates) {
    try {
      await (await places.registry?.(candidate))?.resolve(nameInRegistry(candidate));
      return candidate;
    } catch (error) {
      if (!(error instanceof SlipwayError)) throw error;
      answers.push(`${formatImageName(candidate)}: ${messageOf(error)}`);
    }
  }
  throw new OciError("NOT_FOUND", `cannot find image ${formatImageName(image)} anywhere: ${answers.join("; ")}`, {
    hint: "Write the whole name, HOST/NAME",
    data: { name: formatImageName(image) },
  });
}

/** An image that stays open until it is disposed. */
export interface OpenedImage extends Image, AsyncDisposable {
  readonly located: Located;
}

/** Opens the image that a text names. Throws OciError BAD_REFERENCE and what `locate` and `openImage` throw. */
export async function openReference(
  text: string,
  places: Places,
  options: OpenImageOptions = {},
): Promise<OpenedImage> {
  const located = await locate(parseReference(text), places);
  try {
    const image = await openImage(located.store, located.name, options);
    return { ...image, located, [Symbol.asyncDispose]: () => located[Symbol.asyncDispose]() };
  } catch (error) {
    await located[Symbol.asyncDispose]();
    throw error;
  }
}

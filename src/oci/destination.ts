// Where a name leads for writing: the one place that knows how each transport is written. Beside it: open-reference.ts.
import { ArchiveWriter, OCI_ARCHIVE } from "./archive/writer.ts";
import { createStorageImage } from "./containers-storage.ts";
import type { Descriptor } from "./descriptor.ts";
import { DirStore } from "./dir/store.ts";
import { DOCKER_ARCHIVE } from "./docker-archive/writer.ts";
import { OciError } from "./error.ts";
import { LayoutStore } from "./layout/store.ts";
import type { Places } from "./open-reference.ts";
import { formatReference, type ImageName, type QualifiedName, type Reference, storeName } from "./reference.ts";
import type { Store } from "./store.ts";

const NOTHING_TO_CLOSE = { [Symbol.asyncDispose]: () => Promise.resolve() } as const;

/** Where an image is written to. Dispose without `publish` leaves no name, and of an archive nothing. */
export interface Destination extends AsyncDisposable {
  readonly store: Store;
  /** The one form of layers that the transport can hold. */
  readonly compression?: "none";
  /** The containers tools find only OCI documents there. */
  readonly documents?: "oci";
  /** What there is room for beside an image: everything, or signatures of the simple form. */
  readonly attachments?: "simple" | "all";
  /** What is noted beside an image, in index.json, stays there. */
  readonly keepsAnnotations?: boolean;
  /** Several blobs at once would make the order of an archive a matter of luck. */
  readonly concurrency?: number;
  /** The registry it is written to. */
  readonly registryName?: QualifiedName;
  /**
   * Lets the reference stand for what was pushed, `from` being the index that it was chosen from; archives appear now.
   * Throws OciError BAD_REFERENCE when the reference has the digest of something else.
   */
  publish(descriptor: Descriptor, from?: Descriptor): Promise<void>;
}

/** Throws OciError BAD_LAYOUT, UNSUPPORTED, IoError, ProcessError, and what the places throw. */
export async function openDestination(reference: Reference, places: Places): Promise<Destination> {
  switch (reference.transport) {
    case "oci": {
      const store = await LayoutStore.create(reference.path);
      const { name } = reference;
      return {
        ...NOTHING_TO_CLOSE,
        store,
        documents: "oci",
        attachments: "all",
        keepsAnnotations: true,
        publish: (descriptor) => (name === undefined ? store.addUnnamed(descriptor) : store.tag(descriptor, name)),
      };
    }
    case "dir": {
      const store = await DirStore.create(reference.path);
      return { ...NOTHING_TO_CLOSE, store, attachments: "simple", publish: (descriptor) => store.tag(descriptor) };
    }
    case "oci-archive":
    case "docker-archive":
      return archive(reference.transport, reference.path, reference.name);
    case "containers-storage":
      return { concurrency: 1, documents: "oci", ...(await createStorageImage(reference.name)) };
    case "docker": {
      const { image } = reference;
      if (places.registry === undefined)
        throw new OciError(
          "UNSUPPORTED",
          `cannot write ${formatReference(reference)}: no registry can be reached from here`,
        );
      const target = await places.registry(image, { mirrors: false });
      const publish = async (descriptor: Descriptor): Promise<void> => {
        assertDigest(reference, image, [descriptor]);
        if (image.tag !== undefined) await target.tag(descriptor, image.tag);
      };
      return { ...NOTHING_TO_CLOSE, store: target, registryName: image, attachments: "all", publish };
    }
    case "store":
      return {
        ...NOTHING_TO_CLOSE,
        store: places.images,
        attachments: "all",
        keepsAnnotations: true,
        publish: async (descriptor, from = descriptor) => {
          assertDigest(reference, reference.image, [descriptor, from]);
          await places.images.tag(descriptor, storeName(reference.image));
        },
      };
  }
}

async function archive(
  transport: "oci-archive" | "docker-archive",
  path: string,
  name: string | undefined,
): Promise<Destination> {
  const isDocker = transport === "docker-archive";
  const store = await ArchiveWriter.create(isDocker ? DOCKER_ARCHIVE : OCI_ARCHIVE, path);
  return {
    store,
    concurrency: 1,
    ...(isDocker ? { compression: "none" } : { documents: "oci" }),
    publish: async (descriptor) => {
      if (name === undefined) store.addUnnamed(descriptor);
      else await store.tag(descriptor, name);
      await store.finish();
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** A digest in a name has to be that of one of these; the first is the image. Throws OciError BAD_REFERENCE. */
function assertDigest(
  reference: Reference,
  { digest }: ImageName,
  [image, ...others]: [Descriptor, ...Descriptor[]],
): void {
  if (digest === undefined || [image, ...others].some((each) => each.digest === digest)) return;
  throw new OciError(
    "BAD_REFERENCE",
    `cannot let ${formatReference(reference)} stand for an image with the digest ${image.digest}`,
    { hint: "Leave the digest out of the destination" },
  );
}

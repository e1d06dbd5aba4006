// A Store in the containers tools' `dir:` form (containers-transports(5)): one image in one directory. `version` marks it,
// manifest.json is its manifest, blobs lie under their hex digests, the manifests of an index as HEX.manifest.json.
// A manifest of signatures under cosign's name stands for the files signature-N. Refused: writing into a directory that
// holds anything else.
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { digestHex, digestOf } from "../../base/digest.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { AtomicFile, sweepPartials, writeError, writeFileAtomic } from "../../base/io/index.ts";
import { verifyStream } from "../../base/stream/index.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { asString, at, optional, parseJsonObject } from "../json.ts";
import { reachableBlobs } from "../layout/prune.ts";
import { streamFile } from "../layout/read-file.ts";
import { formatManifest, MAX_MANIFEST_BYTES, parseManifest } from "../manifest.ts";
import { isDocumentType, MEDIA_TYPE } from "../media-types.ts";
import { MemoryStore } from "../memory/store.ts";
import { chooseNamed, fetchDocument, type NamedDescriptor, pushBytes, type Store } from "../store.ts";
import { encodeSignatureFile, readSignatureFiles } from "./signature-file.ts";

const VERSION_FILE = "version";
const VERSION = "Directory Transport Version: 1.1\n";
const MANIFEST_FILE = "manifest.json";
/** What an image in this form consists of; everything else is somebody else's. */
const OWN_FILE =
  /^(version|manifest\.json|[0-9a-f]{64}(\.manifest\.json)?|([0-9a-f]{64}\.)?signature-\d+|\..*\.partial)$/;

export class DirStore implements Store {
  readonly description: string;
  readonly directory: string;
  /** By the image's hex digits: manifests that become signature files when the image is complete. */
  readonly #signatures = new Map<string, Descriptor>();
  /** What signature files were read into. */
  readonly #signatureParts = new MemoryStore();

  private constructor(directory: string) {
    this.directory = directory;
    this.description = `dir:${directory}`;
  }

  /** Throws OciError NOT_FOUND. */
  static async open(directory: string): Promise<DirStore> {
    const store = new DirStore(directory);
    await store.resolve();
    return store;
  }

  /** An empty place for an image; an image that is there is replaced. Throws OciError BAD_LAYOUT, IoError. */
  static async create(directory: string): Promise<DirStore> {
    try {
      await mkdir(directory, { recursive: true });
    } catch (error) {
      throw writeError(directory, error);
    }
    const foreign = (await readdir(directory)).find((name) => !OWN_FILE.test(name));
    if (foreign !== undefined) {
      throw new OciError("BAD_LAYOUT", `cannot write an image into ${directory}: it holds other things (${foreign})`, {
        hint: "Give a directory that is empty or does not exist",
        data: { path: directory },
      });
    }
    await sweepPartials(directory);
    await writeFileAtomic(join(directory, VERSION_FILE), Buffer.from(VERSION));
    return new DirStore(directory);
  }

  async exists(descriptor: Descriptor): Promise<boolean> {
    if (await this.#signatureParts.exists(descriptor)) return true;
    const name = await this.#nameOf(descriptor);
    const found = await stat(join(this.directory, name)).catch(() => undefined);
    return found?.size === descriptor.sizeBytes;
  }

  fetch(descriptor: Descriptor): AsyncIterable<Uint8Array> {
    const what = `${descriptor.digest} of ${this.description}`;
    return verifyStream(this.#read(descriptor, what), descriptor, what);
  }

  async *#read(descriptor: Descriptor, what: string): AsyncGenerator<Uint8Array> {
    if (await this.#signatureParts.exists(descriptor)) {
      yield* this.#signatureParts.fetch(descriptor);
      return;
    }
    try {
      yield* streamFile(join(this.directory, await this.#nameOf(descriptor)));
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      throw new OciError("NOT_FOUND", `cannot read ${what}: the directory does not have it`, {
        hint: "Copy the image again: it is not complete",
        cause: error,
        data: { digest: descriptor.digest, store: this.description },
      });
    }
  }

  async push(descriptor: Descriptor, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const name = isDocumentType(descriptor.mediaType) ? documentName(descriptor) : digestHex(descriptor.digest);
    await using file = await AtomicFile.create(join(this.directory, name), { mode: 0o644 });
    await file.writeStream(verifyStream(bytes, descriptor, descriptor.digest));
    await file.commit();
  }

  async resolve(name?: string): Promise<Descriptor> {
    const hex = signedHex(name);
    const signatures = hex === undefined ? undefined : (this.#signatures.get(hex) ?? (await this.#readSignatures(hex)));
    if (hex !== undefined && signatures !== undefined) {
      // Who asks while the image is written anew wants to keep them.
      this.#signatures.set(hex, signatures);
      return signatures;
    }
    const list = await this.list();
    if (list.length > 0) return chooseNamed(list, name, this.description);
    throw new OciError("NOT_FOUND", `cannot read ${this.directory} as an image directory: it has no ${MANIFEST_FILE}`, {
      hint: "Give the directory that holds manifest.json",
      data: { path: this.directory },
    });
  }

  /** The one image, without a name. */
  async list(): Promise<readonly NamedDescriptor[]> {
    const path = join(this.directory, MANIFEST_FILE);
    try {
      const { size } = await stat(path);
      if (size > MAX_MANIFEST_BYTES)
        throw new OciError("LIMIT", `cannot read ${path}: ${size} bytes, more than ${MAX_MANIFEST_BYTES}`);
      const bytes = await readFile(path);
      const mediaType = mediaTypeOf(bytes, path);
      return [{ name: undefined, descriptor: { mediaType, digest: digestOf(bytes), sizeBytes: bytes.length } }];
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return [];
      throw error;
    }
  }

  /** The form has no names: what was pushed becomes the image. Files of an image that was here before go. */
  async tag(descriptor: Descriptor, name?: string): Promise<void> {
    const signed = signedHex(name);
    if (signed !== undefined) return void this.#signatures.set(signed, descriptor);
    const kept = new Set([VERSION_FILE, MANIFEST_FILE]);
    for (const [hex, manifest] of this.#signatures)
      for (const file of await this.#writeSignatures(hex === digestHex(descriptor.digest) ? "" : `${hex}.`, manifest))
        kept.add(file);
    const document = documentName(descriptor);
    try {
      await rename(join(this.directory, document), join(this.directory, MANIFEST_FILE));
    } catch (error) {
      // It is the image already.
      if (systemErrorCode(error) !== "ENOENT" || (await this.#nameOf(descriptor)) !== MANIFEST_FILE)
        throw writeError(this.directory, error);
    }
    for (const each of (await reachableBlobs(this)).values())
      kept.add(isDocumentType(each.mediaType) ? documentName(each) : digestHex(each.digest));
    for (const file of await readdir(this.directory)) {
      if (!kept.has(file) && !file.endsWith(".partial")) await rm(join(this.directory, file), { force: true });
    }
  }

  delete(name: string): Promise<void> {
    return Promise.reject(
      new OciError("UNSUPPORTED", `cannot forget ${JSON.stringify(name)}: ${this.description} has no names`),
    );
  }

  /** Undefined when there are none. */
  async #readSignatures(hex: string): Promise<Descriptor | undefined> {
    const [image] = await this.list();
    const prefix = image !== undefined && digestHex(image.descriptor.digest) === hex ? "" : `${hex}.`;
    const found = await readSignatureFiles(join(this.directory, `${prefix}signature-`));
    if (found.length === 0) return undefined;
    const push = async (mediaType: string, bytes: Uint8Array): Promise<Descriptor> => {
      const descriptor = describeBytes(mediaType, bytes);
      await pushBytes(this.#signatureParts, descriptor, bytes);
      return descriptor;
    };
    for (const { layer, payload } of found) await push(layer.mediaType, payload);
    const layers = found.map(({ layer }) => layer);
    const rootfs = { type: "layers", diff_ids: layers.map(({ digest }) => digest) };
    const config = await push(MEDIA_TYPE.config, Buffer.from(JSON.stringify({ rootfs })));
    const manifest = { mediaType: MEDIA_TYPE.manifest, config, layers, annotations: {} };
    return push(MEDIA_TYPE.manifest, formatManifest(manifest));
  }

  /** In place of the manifest, which is no part of the form. Returns the names of the files. */
  async #writeSignatures(prefix: string, descriptor: Descriptor): Promise<readonly string[]> {
    const names: string[] = [];
    const { layers } = parseManifest(await fetchDocument(this, descriptor), `signatures ${descriptor.digest}`);
    for (const [index, layer] of layers.entries()) {
      const name = `${prefix}signature-${index + 1}`;
      const file = encodeSignatureFile({ layer, payload: await fetchDocument(this, layer) });
      await writeFileAtomic(join(this.directory, name), file);
      names.push(name);
    }
    return names;
  }

  async #nameOf(descriptor: Descriptor): Promise<string> {
    if (!isDocumentType(descriptor.mediaType)) return digestHex(descriptor.digest);
    const [image] = await this.list();
    return image?.descriptor.digest === descriptor.digest ? MANIFEST_FILE : documentName(descriptor);
  }
}

/** Of the name that cosign gives the signatures of an image. */
function signedHex(name: string | undefined): string | undefined {
  return /^sha256-([0-9a-f]{64})\.sig$/.exec(name ?? "")?.[1];
}

function documentName(descriptor: Descriptor): string {
  return `${digestHex(descriptor.digest)}.${MANIFEST_FILE}`;
}

/** OCI documents may leave their media type out. */
function mediaTypeOf(bytes: Uint8Array, path: string): string {
  const object = parseJsonObject(bytes, path);
  const place = { document: path, path: "" };
  const said = optional(object["mediaType"], at(place, "mediaType"), asString);
  return said ?? (object["manifests"] === undefined ? MEDIA_TYPE.manifest : MEDIA_TYPE.index);
}

// Reads archives of `docker save` (Docker image-spec v1.2, manifest.json). The archive has no manifests: each image gets
// one of Docker's schema 2 whose layers are the decompressed tars, so that its digest depends on the image alone.
// Refused: archives from before manifest.json.
import { type Digest, digestOf } from "../../base/digest.ts";
import { parseJson } from "../../base/json.ts";
import { EXPANSION_LIMITS, verifyStream } from "../../base/stream/index.ts";
import { LONGEST_MAGIC_BYTES } from "../../formats/compression/index.ts";
import { type Member, MemberFile } from "../archive/members.ts";
import { parseConfig } from "../config.ts";
import { describeBytes, type Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { asArray, asObject, asString, asStringList, at, optional, type Place, refuse } from "../json.ts";
import { compressionOf, decompress } from "../layer/decompress.ts";
import { formatManifest, MAX_LAYERS, MAX_MANIFEST_BYTES } from "../manifest.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { chooseNamed, type NamedDescriptor, type ReadableStore } from "../store.ts";
import { dockerName } from "./name.ts";

const MANIFEST_FILE = "manifest.json";
const MAX_IMAGES = 10_000;

interface Item {
  readonly config: string;
  readonly names: readonly string[];
  readonly layers: readonly string[];
}

export class DockerArchiveStore implements ReadableStore, Disposable {
  readonly description: string;
  readonly #members: MemberFile;
  readonly #items: readonly Item[];
  /** Manifests and configs, made or read when an image is first asked for. */
  readonly #documents = new Map<Digest, Uint8Array>();
  readonly #layers = new Map<Digest, string>();
  #images: Promise<readonly NamedDescriptor[]> | undefined;

  private constructor(members: MemberFile, items: readonly Item[]) {
    this.description = members.description;
    this.#members = members;
    this.#items = items;
  }

  /** Throws OciError NOT_FOUND, BAD_LAYOUT, BAD_MANIFEST. */
  static async open(path: string): Promise<DockerArchiveStore> {
    const members = await MemberFile.open("docker-archive", path);
    try {
      const bytes = await members.readDocument(MANIFEST_FILE, MAX_MANIFEST_BYTES);
      return new DockerArchiveStore(members, parseItems(bytes, `${MANIFEST_FILE} of ${members.description}`));
    } catch (error) {
      members[Symbol.dispose]();
      throw error;
    }
  }

  async exists(descriptor: Descriptor): Promise<boolean> {
    await this.list();
    return this.#documents.has(descriptor.digest) || this.#layers.has(descriptor.digest);
  }

  fetch(descriptor: Descriptor): AsyncIterable<Uint8Array> {
    const what = `${descriptor.digest} of ${this.description}`;
    return verifyStream(this.#read(descriptor, what), descriptor, what);
  }

  async *#read(descriptor: Descriptor, what: string): AsyncGenerator<Uint8Array> {
    await this.list();
    const document = this.#documents.get(descriptor.digest);
    const layer = this.#layers.get(descriptor.digest);
    if (document !== undefined) yield document;
    else if (layer !== undefined) yield* this.#openLayer(layer);
    else throw new OciError("NOT_FOUND", `cannot read ${what}: the archive does not have it`);
  }

  /** `name` is a Docker name, or nothing for the only image. */
  async resolve(name?: string): Promise<Descriptor> {
    const wanted = name === undefined || /^(@\d+|sha256:[0-9a-f]{64})$/.test(name) ? name : dockerName(name);
    return chooseNamed(await this.list(), wanted, this.description);
  }

  list(): Promise<readonly NamedDescriptor[]> {
    this.#images ??= this.#readImages();
    return this.#images;
  }

  async #readImages(): Promise<NamedDescriptor[]> {
    const images: NamedDescriptor[] = [];
    for (const item of this.#items) {
      const descriptor = await this.#readImage(item);
      const names = item.names.length === 0 ? [undefined] : item.names;
      for (const name of names) images.push({ name, descriptor });
    }
    return images;
  }

  async #readImage(item: Item): Promise<Descriptor> {
    const bytes = await this.#members.readDocument(item.config, MAX_MANIFEST_BYTES);
    const config = parseConfig(bytes, `${item.config} of ${this.description}`);
    if (config.diffIds.length !== item.layers.length) {
      throw new OciError(
        "BAD_MANIFEST",
        `cannot read ${this.description}: an image has ${item.layers.length} layers, its config names ${config.diffIds.length} diffIds`,
      );
    }
    const layers: Descriptor[] = [];
    for (const [index, path] of item.layers.entries()) {
      const digest = config.diffIds[index] as Digest;
      layers.push({ mediaType: MEDIA_TYPE.dockerLayer, digest, sizeBytes: await this.#layerBytes(path) });
      this.#layers.set(digest, path);
    }
    const configDescriptor = describeBytes(MEDIA_TYPE.dockerConfig, bytes);
    const manifest = formatManifest({
      mediaType: MEDIA_TYPE.dockerManifest,
      config: configDescriptor,
      layers,
      annotations: {},
    });
    const descriptor = describeBytes(MEDIA_TYPE.dockerManifest, manifest);
    this.#documents.set(digestOf(bytes), bytes).set(descriptor.digest, manifest);
    return descriptor;
  }

  /** Layers are plain tars; some tools compress them all the same, then they are read once to learn their size. */
  async #layerBytes(path: string): Promise<number> {
    let sizeBytes = 0;
    const member = this.#member(path);
    const head = { ...member, sizeBytes: Math.min(member.sizeBytes, LONGEST_MAGIC_BYTES) };
    const magic = Buffer.concat(await Array.fromAsync(this.#members.stream(head)));
    if (compressionOf(magic) === "none") return member.sizeBytes;
    for await (const chunk of this.#openLayer(path)) sizeBytes += chunk.length;
    return sizeBytes;
  }

  #openLayer(path: string): AsyncGenerator<Uint8Array> {
    return decompress(this.#members.stream(this.#member(path)), EXPANSION_LIMITS);
  }

  #member(path: string): Member {
    const member = this.#members.find(path);
    if (member !== undefined) return member;
    throw new OciError("BAD_LAYOUT", `cannot read ${this.description}: the archive has no ${path}`);
  }

  [Symbol.dispose](): void {
    this.#members[Symbol.dispose]();
  }
}

function parseItems(bytes: Uint8Array, document: string): Item[] {
  const place: Place = { document, path: "" };
  let value: unknown;
  try {
    value = parseJson(Buffer.from(bytes).toString("utf8"));
  } catch {
    return refuse(place, "JSON", Buffer.from(bytes.subarray(0, 40)).toString("latin1"));
  }
  return asArray(value, place, MAX_IMAGES).map((item, index) => {
    const here = at(place, index);
    const object = asObject(item, here);
    const layers = at(here, "Layers");
    return {
      config: asString(object["Config"], at(here, "Config")),
      names: (optional(object["RepoTags"], at(here, "RepoTags"), asStringList) ?? []).map(dockerName),
      layers: asArray(object["Layers"] ?? [], layers, MAX_LAYERS).map((path, at_) => asString(path, at(layers, at_))),
    };
  });
}

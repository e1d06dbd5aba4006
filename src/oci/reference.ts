// Names of images: transports as containers-transports(5) has them, names as the distribution spec has them. A name
// without a transport means the local store. Refused: unknown transports, upper case in repositories, bad tags and digests.
import { type Digest, isDigest } from "../base/digest.ts";
import { OciError } from "./error.ts";

/** `registry/repository:tag@digest`; a name without registry host is a short name. */
export interface ImageName {
  readonly registry?: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** A name that says where it is. */
export type QualifiedName = ImageName & { readonly registry: string };

export type Reference =
  | {
      readonly transport: "oci" | "oci-archive" | "docker-archive" | "dir";
      readonly path: string;
      readonly name?: string;
    }
  | { readonly transport: "containers-storage"; readonly name: string }
  | { readonly transport: "docker"; readonly image: QualifiedName }
  | { readonly transport: "store"; readonly image: ImageName };

const FOREIGN = /^(docker-daemon|ostree|sif|atomic|tarball|ostree-[a-z-]+):/;

/** Throws BAD_REFERENCE, UNSUPPORTED. */
export function parseReference(text: string): Reference {
  const separator = text.indexOf(":");
  const transport = text.slice(0, separator < 0 ? 0 : separator);
  const rest = text.slice(separator + 1);
  switch (transport) {
    case "oci":
    case "oci-archive":
    case "docker-archive":
      return parsePathReference(transport, rest, text);
    case "dir":
      if (rest === "") throw badReference(text, "no directory after dir:");
      return { transport, path: rest };
    case "docker":
      if (!rest.startsWith("//")) throw badReference(text, "docker: is followed by //HOST/NAME");
      return { transport, image: onDockerHub(withDefaults(parseImageName(rest.slice(2)))) };
    case "containers-storage":
      if (rest === "") throw badReference(text, "no name after containers-storage:");
      return { transport, name: rest };
    default:
      if (FOREIGN.test(text)) {
        throw new OciError(
          "UNSUPPORTED",
          `cannot use image ${JSON.stringify(text)}: Slipway does not read the transport ${transport}`,
          {
            hint: `Copy it first: skopeo copy ${text} oci:DIRECTORY:TAG`,
          },
        );
      }
      return { transport: "store", image: parseImageName(text) };
  }
}

/** The path ends at the first colon, as other tools have it. */
function parsePathReference(
  transport: "oci" | "oci-archive" | "docker-archive",
  rest: string,
  text: string,
): Reference {
  const colon = rest.indexOf(":");
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const name = colon < 0 ? "" : rest.slice(colon + 1);
  if (path === "") throw badReference(text, `no path after ${transport}:`);
  return name === "" ? { transport, path } : { transport, path, name };
}

const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const REGISTRY =
  /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const MAX_NAME_LENGTH = 255;

export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH && REPOSITORY.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`. Throws BAD_REFERENCE. */
export function parseImageName(text: string): ImageName {
  const [named = "", digest, ...more] = text.split("@");
  if (more.length > 0 || (digest !== undefined && !isDigest(digest)))
    throw badReference(text, "want one digest, @sha256: and 64 hex digits");
  const lastColon = named.lastIndexOf(":");
  const hasTag = lastColon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(lastColon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) throw badReference(text, `${JSON.stringify(tag)} is no tag`);
  const path = hasTag ? named.slice(0, lastColon) : named;
  const slash = path.indexOf("/");
  const first = slash < 0 ? "" : path.slice(0, slash);
  // As Docker decided it: a first part is a host if it looks like one.
  const isHost = first === "localhost" || /[.:[]/.test(first) || first !== first.toLowerCase();
  const registry = isHost ? first : undefined;
  const repository = isHost ? path.slice(slash + 1) : path;
  if (registry !== undefined && !REGISTRY.test(registry))
    throw badReference(text, `${JSON.stringify(registry)} is no registry host`);
  if (path.length > MAX_NAME_LENGTH) throw badReference(text, `longer than ${MAX_NAME_LENGTH} characters`);
  if (!REPOSITORY.test(repository)) throw badReference(text, "a repository is lower-case letters, digits and . _ - /");
  return {
    ...(registry === undefined ? {} : { registry }),
    repository: repositoryAt(registry, repository),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined || !isDigest(digest) ? {} : { digest }),
  };
}

/** After docker:// a name without host belongs to Docker Hub, as with the containers tools. */
function onDockerHub(image: ImageName): QualifiedName {
  const { registry = "docker.io", repository } = image;
  return { ...image, registry, repository: repositoryAt(registry, repository) };
}

/** Docker Hub's official images live below library/. */
export function repositoryAt(registry: string | undefined, repository: string): string {
  return registry === "docker.io" && !repository.includes("/") ? `library/${repository}` : repository;
}

/** What a name without tag and digest means. */
export function withDefaults<Name extends ImageName>(image: Name): Name {
  return image.tag === undefined && image.digest === undefined ? { ...image, tag: "latest" } : image;
}

export function formatImageName({ registry, repository, tag, digest }: ImageName): string {
  return `${registry === undefined ? "" : `${registry}/`}${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/** The name under which the local store keeps an image: short names belong to `localhost`, as with podman. */
export function storeName(image: ImageName): string {
  return formatImageName({ registry: "localhost", ...withDefaults(image) });
}

/** What the local store calls a new image that the user names so. Throws OciError BAD_REFERENCE for a digest. */
export function newStoreName(text: string): string {
  const image = parseImageName(text);
  if (image.digest === undefined) return storeName(image);
  throw new OciError(
    "BAD_REFERENCE",
    `cannot name an image ${text}: a digest is what the image's content gives, wanted is a tag`,
    { hint: `Write ${text.slice(0, text.indexOf("@"))}` },
  );
}

export function formatReference(reference: Reference): string {
  switch (reference.transport) {
    case "docker":
      return `docker://${formatImageName(reference.image)}`;
    case "store":
      return formatImageName(reference.image);
    case "containers-storage":
      return `containers-storage:${reference.name}`;
    default:
      return `${reference.transport}:${reference.path}${reference.name === undefined ? "" : `:${reference.name}`}`;
  }
}

function badReference(text: string, found: string): OciError {
  return new OciError("BAD_REFERENCE", `cannot read image name ${JSON.stringify(text.slice(0, 200))}: ${found}`, {
    hint: "Write NAME[:TAG], oci:DIR[:TAG], oci-archive:FILE[:TAG] or docker://HOST/NAME[:TAG]",
  });
}

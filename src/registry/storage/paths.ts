// Where a registry keeps what (docs/formats/registry-storage.md). Made of validated names only. Parts of a repository's
// name never start with an underscore, so the four directories of a repository collide with no repository below it.
import { join } from "node:path";
import type { ContentDigest, DigestAlgorithm, RepositoryName, TagName } from "../names.ts";
import { algorithmOf, isContentDigest } from "../names.ts";

export const MARKER = "slipway-registry.json";
export const MARKER_JSON = '{"registryStorageVersion":1}\n';

export const BLOBS = "blobs";
export const REPOSITORIES = "repositories";
export const LINKS = "_blobs";
export const MANIFESTS = "_manifests";
export const TAGS = "_tags";
export const REFERRERS = "_referrers";
export const UPLOADS = "_uploads";

export class StoragePaths {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  blobs(algorithm: DigestAlgorithm): string {
    return join(this.root, BLOBS, algorithm);
  }

  blob(digest: ContentDigest): string {
    return join(this.blobs(algorithmOf(digest)), digest.slice(digest.indexOf(":") + 1));
  }

  repository(name: RepositoryName): string {
    return join(this.root, REPOSITORIES, name);
  }

  links(name: RepositoryName): string {
    return join(this.repository(name), LINKS);
  }

  link(name: RepositoryName, digest: ContentDigest): string {
    return join(this.links(name), digestFile(digest));
  }

  manifests(name: RepositoryName): string {
    return join(this.repository(name), MANIFESTS);
  }

  manifest(name: RepositoryName, digest: ContentDigest): string {
    return join(this.manifests(name), digestFile(digest));
  }

  tags(name: RepositoryName): string {
    return join(this.repository(name), TAGS);
  }

  tag(name: RepositoryName, tag: TagName): string {
    return join(this.tags(name), tag);
  }

  referrers(name: RepositoryName, subject: ContentDigest): string {
    return join(this.repository(name), REFERRERS, digestFile(subject));
  }

  referrer(name: RepositoryName, subject: ContentDigest, digest: ContentDigest): string {
    return join(this.referrers(name, subject), digestFile(digest));
  }

  uploads(name: RepositoryName): string {
    return join(this.repository(name), UPLOADS);
  }

  upload(name: RepositoryName, id: string): string {
    if (!isUploadId(id)) throw new TypeError(`no upload id: ${id}`);
    return join(this.uploads(name), id);
  }
}

const UPLOAD_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function isUploadId(text: string): boolean {
  return UPLOAD_ID.test(text);
}

/** `sha256-…`: colons trouble some file systems. */
export function digestFile(digest: ContentDigest): string {
  return digest.replace(":", "-");
}

/** The digest of a file name, undefined for files that are something else (temporary ones, say). */
export function digestOfFile(name: string): ContentDigest | undefined {
  const text = name.replace("-", ":");
  return isContentDigest(text) ? text : undefined;
}

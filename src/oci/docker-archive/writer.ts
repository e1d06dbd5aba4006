// docker-archive, the form of `docker save` (image-spec of Docker v1.2): uncompressed layers as DIFFID.tar, configs as
// DIGEST.json, manifest.json that joins them under their names, and `repositories` for readers older than that.
import { digestHex } from "../../base/digest.ts";
import type { ArchiveForm } from "../archive/writer.ts";
import type { Descriptor } from "../descriptor.ts";
import { OciError } from "../error.ts";
import { parseManifest } from "../manifest.ts";
import { isConfigType, isManifestType, layerCompression } from "../media-types.ts";
import { parseImageName } from "../reference.ts";
import { fetchDocument } from "../store.ts";
import { dockerName } from "./name.ts";

/** Manifests are not part of the form; ours lie where no reader looks, since their digests come from the layers'. */
export const DOCKER_ARCHIVE: ArchiveForm = {
  transport: "docker-archive",
  memberPath,
  closing: async (images, store) => {
    const items = [];
    const repositories: Record<string, Record<string, string>> = {};
    for (const { name, descriptor } of images) {
      const manifest = parseManifest(await fetchDocument(store, descriptor), `manifest ${descriptor.digest}`);
      const fullName = name === undefined ? undefined : dockerName(name);
      const top = manifest.layers.at(-1);
      if (fullName !== undefined && top !== undefined) {
        const { registry, repository, tag = "latest" } = parseImageName(fullName);
        (repositories[`${registry}/${repository}`] ??= {})[tag] = digestHex(top.digest);
      }
      items.push({
        Config: memberPath(manifest.config),
        RepoTags: fullName === undefined ? null : [fullName],
        Layers: manifest.layers.map(memberPath),
      });
    }
    return [
      { path: "manifest.json", bytes: Buffer.from(JSON.stringify(items)) },
      ...(Object.keys(repositories).length === 0
        ? []
        : [{ path: "repositories", bytes: Buffer.from(JSON.stringify(repositories)) }]),
    ];
  },
};

function memberPath(descriptor: Descriptor): string {
  const hex = digestHex(descriptor.digest);
  if (isConfigType(descriptor.mediaType)) return `${hex}.json`;
  if (isManifestType(descriptor.mediaType)) return `${hex}.manifest.json`;
  if (layerCompression(descriptor.mediaType) === "none") return `${hex}.tar`;
  throw new OciError(
    "UNSUPPORTED",
    `cannot keep ${descriptor.digest} in a docker-archive: its media type is ${descriptor.mediaType}, wanted are single images with plain tar layers`,
    { hint: "Use oci-archive: for artifacts and for images of several platforms" },
  );
}

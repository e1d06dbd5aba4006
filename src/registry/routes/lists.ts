// Lists: tags, referrers, repositories (distribution-spec "Content Discovery"; `_catalog` as Docker's registry has it).
import { MEDIA_TYPE } from "../../oci/index.ts";
import { RequestError } from "../error.ts";
import type { Exchange } from "../http/exchange.ts";
import { nextLink, pageOf } from "../http/paging.ts";
import { parseContentDigest, type RepositoryName } from "../names.ts";
import { type ManifestRecord, referrerDescriptor } from "../storage/manifest-record.ts";
import type { Service } from "./service.ts";

export async function listTags(service: Service, exchange: Exchange, name: RepositoryName): Promise<void> {
  const tags = await service.content(exchange, name).tags();
  if (tags === undefined) throw new RequestError("NAME_UNKNOWN", "cannot list tags: there is no such repository");
  const { items, headers } = pageOf(tags, exchange.query, exchange.path);
  exchange.json(200, { name, tags: items }, headers);
}

export async function listRepositories(service: Service, exchange: Exchange): Promise<void> {
  const all = await service.storage.repositories();
  const visible = all.filter((name) => service.isAllowed(exchange, "pull", name));
  const { items, headers } = pageOf(visible, exchange.query, exchange.path);
  exchange.json(200, { repositories: items }, headers);
}

/** An answer is a manifest, too, and must not pass the size that clients take for one. */
const MAX_LIST_BYTES = 3 * 1024 * 1024;

export async function listReferrers(
  service: Service,
  exchange: Exchange,
  name: RepositoryName,
  reference: string,
): Promise<void> {
  const subject = parseContentDigest(reference);
  const artifactType = exchange.query.get("artifactType");
  const last = exchange.query.get("last") ?? "";
  const found = (await service.content(exchange, name).referrers(subject)).filter(
    (record) => record.digest > last && (artifactType === null || record.artifactType === artifactType),
  );
  const page = firstBytes(found);
  const end = page.at(-1);
  const more = end === undefined || page.length === found.length ? {} : { last: end.digest };
  const filter = artifactType === null ? {} : { artifactType };
  exchange.json(
    200,
    { schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests: page.map(referrerDescriptor) },
    {
      "Content-Type": MEDIA_TYPE.index,
      ...(artifactType === null ? {} : { "OCI-Filters-Applied": "artifactType" }),
      ...("last" in more ? nextLink(exchange.path, { ...filter, ...more }) : {}),
    },
  );
}

/** As many as fit, one at least. */
function firstBytes(records: readonly ManifestRecord[]): readonly ManifestRecord[] {
  let total = 0;
  const end = records.findIndex((record, index) => {
    total += JSON.stringify(record).length;
    return index > 0 && total > MAX_LIST_BYTES;
  });
  return end < 0 ? records : records.slice(0, end);
}

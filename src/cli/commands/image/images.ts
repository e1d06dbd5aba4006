// `slipway images [NAME]`.
import { formatSize } from "../../../base/size.ts";
import { isAttachmentName, openLocalStore, sizeOfStore } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import { formatTable } from "../../print/table.ts";
import { describeStored } from "../../stored-images.ts";

const HEAD = ["NAME", "DIGEST", "PLATFORMS", "CREATED", "SIZE"];

export const images: CommandFunction = async (context, [part]) => {
  const local = await openLocalStore(context.storePath);
  const list = (await local.images.list()).filter(
    ({ name }) => !isAttachmentName(name) && (part === undefined || name?.includes(part) === true),
  );
  const found = [];
  for (const entry of list) found.push(await describeStored(local.images, entry));
  found.sort((a, b) => ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
  const size = await sizeOfStore(local);
  const rows = found.map((image) => [
    image.name ?? "<none>",
    image.digest.slice("sha256:".length, 19),
    image.platforms.join(","),
    image.created?.slice(0, 10) ?? "",
    formatSize(image.sizeBytes),
  ]);
  const sum = `${formatSize(size.blobBytes)} of images, ${formatSize(size.cacheBytes)} of decompressed layers in ${context.storePath}\n`;
  return { text: formatTable(HEAD, rows) + sum, data: { store: context.storePath, images: found, ...size } };
};

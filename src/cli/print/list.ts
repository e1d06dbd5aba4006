// A list of images as people read it.
import { formatPlatform, type ImageIndex } from "../../oci/index.ts";
import { formatTable } from "./table.ts";

export function listText(name: string, digest: string, { manifests }: ImageIndex): string {
  const rows = manifests.map((each) => [
    each.platform === undefined ? "unknown" : formatPlatform(each.platform),
    each.digest,
    each.artifactType ?? "",
  ]);
  return `${name}  ${digest}\n${formatTable(["PLATFORM", "DIGEST", "TYPE"], rows)}`;
}

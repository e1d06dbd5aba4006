// The .origin key file of a deployment: where updates come from (docs/formats/ostree.md).
import { formatKeyfile } from "../../formats/ini/index.ts";

/**
 * For an image from a registry, without a signature policy:
 * `[origin]` / `container-image-reference=ostree-unverified-registry:HOST/NAME:TAG`.
 */
export function formatContainerOrigin(registryReference: string): string {
  return formatKeyfile([
    ["origin", [["container-image-reference", `ostree-unverified-registry:${registryReference}`]]],
  ]);
}

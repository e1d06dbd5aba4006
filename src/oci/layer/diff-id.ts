// The digest of a layer's decompressed tar, which the image's config names (image-spec config.md, "Layer DiffID").
import type { Digest } from "../../base/digest.ts";
import { LayerError } from "../error.ts";

/** Throws DIFF_ID_MISMATCH. */
export function assertDiffId(found: Digest, wanted: Digest): void {
  if (found === wanted) return;
  throw new LayerError(
    "DIFF_ID_MISMATCH",
    `its decompressed bytes have the digest ${found}, the image's config says ${wanted}`,
    { hint: "Build or fetch the image again: its config does not belong to its layers", data: { found, wanted } },
  );
}

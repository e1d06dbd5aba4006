// Whatever goes wrong below, as an error of the layer it went wrong in.
import { DigestError } from "../../base/digest.ts";
import { messageOf, SlipwayError } from "../../base/errors.ts";
import { ExpansionError } from "../../base/stream/index.ts";
import { GzipError } from "../../formats/gzip/index.ts";
import { TarError } from "../../formats/tar/index.ts";
import { ZstdError } from "../../formats/zstd/index.ts";
import { TreeError } from "../../tree/index.ts";
import { LayerError, type LayerErrorCode, OciError } from "../error.ts";
import type { ImageLayer } from "../image.ts";

/** Errors that are not about the layer's bytes (a full disk, an abort) stay as they are. */
export function layerError(error: unknown, layer: ImageLayer): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const known = error instanceof SlipwayError ? error : undefined;
  return new LayerError(code, `cannot read layer ${layer.descriptor.digest}: ${messageOf(error)}`, {
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    cause: error,
    data: { ...known?.data, layer: layer.descriptor.digest, diffId: layer.diffId },
  });
}

/** True when the compressed bytes themselves may be to blame: then their digest tells. */
export function mayBeCorrupt(error: unknown): boolean {
  const code = codeOf(error);
  return (
    code === "CORRUPT" || code === "TRUNCATED" || code === "BAD_TAR" || code === "PATH_ESCAPE" || code === "UNSUPPORTED"
  );
}

function codeOf(error: unknown): LayerErrorCode | undefined {
  if (error instanceof LayerError) return error.code;
  if (error instanceof DigestError) return error.code === "SIZE_MISMATCH" ? "SIZE_MISMATCH" : "DIGEST_MISMATCH";
  if (error instanceof GzipError) return error.code === "TRUNCATED" ? "TRUNCATED" : "CORRUPT";
  if (error instanceof ZstdError) return error.code === "TRUNCATED" ? "TRUNCATED" : "CORRUPT";
  if (error instanceof ExpansionError) return "LIMIT";
  if (error instanceof TarError) return error.code === "LIMIT" || error.code === "TRUNCATED" ? error.code : "BAD_TAR";
  if (error instanceof TreeError) return error.code === "BAD_PATH" ? "PATH_ESCAPE" : "BAD_TAR";
  if (error instanceof OciError && error.code === "NOT_FOUND") return "MISSING";
  return undefined;
}

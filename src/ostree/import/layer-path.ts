// Names in a layer's tar, brought into one form (docs/formats/ostree.md).
import { type ByteString, byteStringToUtf8, printable } from "../../base/bytes/index.ts";
import { OstreeError } from "../errors.ts";

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x01-\x7f]*$/;

/** The components of a path, "." and empty ones dropped; [] is the root. Throws BAD_LAYER for ".." and what is not UTF-8. */
export function layerPath(path: ByteString): ByteString[] {
  if (!ASCII.test(path) && (byteStringToUtf8(path) === undefined || path.includes("\0"))) {
    throw new OstreeError("BAD_LAYER", `cannot import layer entry "${printable(path)}": want a name in UTF-8`);
  }
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..")) {
    throw new OstreeError("BAD_LAYER", `cannot import layer entry "${printable(path)}": it escapes with ".."`);
  }
  return names;
}

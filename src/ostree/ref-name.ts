// Names of refs (docs/formats/ostree.md): fragments of ASCII word characters, "-", "." and "_" joined by
// "/". ostree-ext escapes what does not fit, so that a layer digest or an image reference can be a ref.
import { isChecksum } from "../formats/ostree/index.ts";
import { OstreeError } from "./errors.ts";

const REF = /^\w[-.\w]*(?:\/\w[-.\w]*)*$/;
const MAX_LENGTH = 4000;

/** Throws BAD_REF. */
export function assertRefName(name: string): string {
  if (REF.test(name) && name.length <= MAX_LENGTH && !isChecksum(name)) return name;
  throw new OstreeError("BAD_REF", `cannot use ${JSON.stringify(name.slice(0, 200))} as an ostree ref`);
}

/** Escapes any text as part of a ref. Throws BAD_REF for the empty text. */
export function escapeRef(text: string): string {
  if (text === "") throw new OstreeError("BAD_REF", "cannot make an ostree ref of an empty text");
  const characters = Array.from(text);
  let escaped = "";
  for (const [index, character] of characters.entries()) {
    const afterWord = /^[A-Za-z0-9]$/.test(characters[index - 1] ?? "");
    const keepSlash = character === "/" && afterWord && index < characters.length - 1;
    if (/^[-A-Za-z0-9]$/.test(character) || keepSlash) escaped += character;
    else if (character === "_") escaped += "__";
    else escaped += `_${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(2, "0")}_`;
  }
  return escaped;
}

/** The inverse of escapeRef. Throws BAD_REF. */
export function unescapeRef(escaped: string): string {
  return escaped.replace(/_([^_]*)(_?)/g, (found, code: string, end: string) => {
    if (found === "__") return "_";
    const point = Number.parseInt(code, 16);
    if (end === "" || !/^[0-9A-F]{2,6}$/.test(code) || point > 0x10ffff) {
      throw new OstreeError(
        "BAD_REF",
        `cannot decode ostree ref ${JSON.stringify(escaped.slice(0, 200))}: bad escape "${found}"`,
      );
    }
    return String.fromCodePoint(point);
  });
}

export function layerRef(layerDigest: string): string {
  return `ostree/container/blob/${escapeRef(layerDigest)}`;
}

/** `imageReference` is TRANSPORT:NAME as ostree-ext prints it, `docker://quay.io/a/b:42`. */
export function imageRef(imageReference: string): string {
  return `ostree/container/image/${escapeRef(imageReference)}`;
}

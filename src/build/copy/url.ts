// Sources of ADD that are no paths: what an address is, and what the file behind it is called.
import { type ByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { BuildError } from "../error.ts";
import { cleanPath } from "./paths.ts";

export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/** As docker and buildah tell them: by scheme, by user@host:path, by a web address that ends in ".git". */
export function isGit(source: string): boolean {
  if (/^(git|ssh):\/\//i.test(source) || /^git@[^/]+:/.test(source)) return true;
  return /^(https?:\/\/|github\.com\/)[^#?]*\.git(#.*)?$/i.test(source);
}

export function gitRefused(source: string): BuildError {
  return new BuildError("UNSUPPORTED", `cannot ADD "${source}": git repositories are not fetched by a build`, {
    hint: "Clone it into the context before, or ADD --unpack the archive that the forge offers for a commit",
  });
}

/** Throws BuildError BAD_VALUE. */
export function parseUrl(source: string): URL {
  const url = URL.parse(source);
  if (url !== null && url.hostname !== "") return url;
  throw new BuildError("BAD_VALUE", `cannot ADD "${source}": it is no web address`);
}

/** The last name of the path, decoded; undefined when the address ends in "/". */
export function nameInUrl(url: URL): ByteString | undefined {
  const last = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  if (last === "") return undefined;
  try {
    return fileName(decodeURIComponent(last));
  } catch {
    return fileName(last);
  }
}

/** RFC 6266: filename*, then filename; never a path. */
export function nameInDisposition(header: string | undefined): ByteString | undefined {
  const extended = /(?:^|;)\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(header ?? "")?.[1];
  try {
    if (extended !== undefined) return fileName(decodeURIComponent(extended));
  } catch {
    // Not what it says it is: the plain form may be there.
  }
  const quoted = /(?:^|;)\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(header ?? "");
  const plain = quoted?.[1]?.replaceAll(/\\(.)/g, "$1") ?? quoted?.[2];
  return plain === undefined ? undefined : fileName(plain);
}

function fileName(text: string): ByteString | undefined {
  const name = text.slice(Math.max(text.lastIndexOf("/"), text.lastIndexOf("\\")) + 1);
  // oxlint-disable-next-line no-control-regex
  if (name.length > 255 || /[\x00-\x1f\x7f]/.test(name)) return undefined;
  return cleanPath(utf8ToByteString(name)) || undefined;
}

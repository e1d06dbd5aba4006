// `ostree ls -R -C -X` of a commit, rebuilt from objects: each directory's files first, then its directories.
import { byteStringToUtf8 } from "../../src/base/bytes/index.ts";
import { decodeCommit, decodeDirmeta, decodeDirtree, type ObjectXattr } from "../../src/formats/ostree/index.ts";
import type { ObjectSet } from "../../src/ostree/index.ts";

export function listTree(objects: ObjectSet, commit: string): string {
  const { rootDirtree, rootDirmeta } = decodeCommit(objects.metadata("commit", commit));
  return directoryLines(objects, rootDirtree, rootDirmeta, "")
    .map((line) => `${line}\n`)
    .join("");
}

function directoryLines(objects: ObjectSet, dirtree: string, dirmeta: string, path: string): string[] {
  const { mode, uid, gid, xattrs } = decodeDirmeta(objects.metadata("dirmeta", dirmeta));
  const { files, directories } = decodeDirtree(objects.metadata("dirtree", dirtree));
  return [
    `d${octal(mode)} ${uid} ${gid}      0 ${dirtree} ${dirmeta} { ${formatXattrs(xattrs)} } ${path === "" ? "/" : path}`,
    ...files.map(({ name, checksum }) => fileLine(objects, checksum, `${path}/${shown(name)}`)),
    ...directories.flatMap(({ name, ...child }) =>
      directoryLines(objects, child.dirtree, child.dirmeta, `${path}/${shown(name)}`),
    ),
  ];
}

function fileLine(objects: ObjectSet, checksum: string, path: string): string {
  const inode = objects.content(checksum);
  const [type, size, suffix] =
    inode.type === "symlink"
      ? (["l", 0, ` -> ${shown(inode.target)}`] as const)
      : (["-", inode.content.sizeBytes, ""] as const);
  const owner = `${inode.uid} ${inode.gid}`;
  return `${type}${octal(inode.mode)} ${owner} ${String(size).padStart(6)} ${checksum} { ${formatXattrs(inode.xattrs)} } ${path}${suffix}`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(5, "0");
}

function shown(name: string): string {
  return byteStringToUtf8(name) ?? name;
}

/** GVariant text: a value that ends in its only NUL is a string; only the first list of bytes says its type. */
function formatXattrs(xattrs: readonly ObjectXattr[]): string {
  if (xattrs.length === 0) return "@a(ayay) []";
  const items = xattrs.map(({ name, value }, index) => {
    const text = Buffer.from(value).toString("latin1");
    if (text.indexOf("\0") === text.length - 1 && text.length > 0) return `(b'${name}', b'${text.slice(0, -1)}')`;
    const bytes = Array.from(value, (byte) => `0x${byte.toString(16).padStart(2, "0")}`);
    return `(b'${name}', [${index === 0 ? "byte " : ""}${bytes.join(", ")}])`;
  });
  return `[${items.join(", ")}]`;
}

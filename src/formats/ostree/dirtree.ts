// dirtree objects: `(a(say)a(sayay))`, files with their checksums, then directories with the checksums of their
// dirtree and dirmeta; each list sorted by name, no name twice (docs/formats/ostree.md).
import { type ByteString, byteStringToUtf8, printable, utf8ToByteString } from "../../base/bytes/index.ts";
import { decodeGVariant, encodeGVariant } from "../gvariant/index.ts";
import { asArray, asBytes, asString } from "./cast.ts";
import { checksumFromBytes, checksumToBytes } from "./checksum.ts";
import { OstreeFormatError } from "./errors.ts";

const DIRTREE_TYPE = "(a(say)a(sayay))";

export interface DirtreeFile {
  readonly name: ByteString;
  readonly checksum: string;
}

export interface DirtreeDirectory {
  readonly name: ByteString;
  readonly dirtree: string;
  readonly dirmeta: string;
}

export interface Dirtree {
  readonly files: readonly DirtreeFile[];
  readonly directories: readonly DirtreeDirectory[];
}

/** Throws BAD_NAME for a name that ostree cannot hold, BAD_OBJECT when a list is not sorted. */
export function encodeDirtree({ files, directories }: Dirtree): Uint8Array {
  assertOrder(files);
  assertOrder(directories);
  return encodeGVariant(DIRTREE_TYPE, [
    files.map(({ name, checksum }) => [nameToText(name), checksumToBytes(checksum)]),
    directories.map(({ name, dirtree, dirmeta }) => [
      nameToText(name),
      checksumToBytes(dirtree),
      checksumToBytes(dirmeta),
    ]),
  ]);
}

/** Throws BAD_NAME, BAD_OBJECT, BAD_CHECKSUM or GVariantError. */
export function decodeDirtree(bytes: Uint8Array): Dirtree {
  const [fileList, directoryList] = asArray(decodeGVariant(DIRTREE_TYPE, bytes));
  const files = asArray(fileList).map((item) => {
    const [name, checksum] = asArray(item);
    return { name: textToName(asString(name)), checksum: checksumFromBytes(asBytes(checksum)) };
  });
  const directories = asArray(directoryList).map((item) => {
    const [name, dirtree, dirmeta] = asArray(item);
    return {
      name: textToName(asString(name)),
      dirtree: checksumFromBytes(asBytes(dirtree)),
      dirmeta: checksumFromBytes(asBytes(dirmeta)),
    };
  });
  assertOrder(files);
  assertOrder(directories);
  const names = new Set(files.map(({ name }) => name));
  for (const { name } of directories) {
    if (names.has(name))
      throw new OstreeFormatError(
        "BAD_OBJECT",
        `cannot read a dirtree: "${printable(name)}" is both file and directory`,
      );
  }
  return { files, directories };
}

function assertOrder(entries: readonly { readonly name: ByteString }[]): void {
  let previous: ByteString | undefined;
  for (const { name } of entries) {
    if (previous !== undefined && name <= previous) {
      throw new OstreeFormatError(
        "BAD_OBJECT",
        `cannot use a dirtree: "${printable(name)}" stands after "${printable(previous)}"`,
      );
    }
    previous = name;
  }
}

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x01-\x7f]+$/;

function nameToText(name: ByteString): string {
  const text = ASCII.test(name) ? name : byteStringToUtf8(name);
  if (text === undefined) {
    throw new OstreeFormatError("BAD_NAME", `cannot store the name "${printable(name)}": ostree wants UTF-8`);
  }
  assertName(text);
  return text;
}

function textToName(text: string): ByteString {
  assertName(text);
  return ASCII.test(text) ? text : utf8ToByteString(text);
}

function assertName(text: string): void {
  if (text === "" || text === "." || text === ".." || text.includes("/")) {
    throw new OstreeFormatError("BAD_NAME", `cannot use ${JSON.stringify(text)} as a file name in a dirtree`);
  }
}

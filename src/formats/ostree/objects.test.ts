import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { concatBytes, fromHex, hex, utf8, utf8ToByteString } from "../../base/bytes/index.ts";
import { decodeGVariant } from "../gvariant/index.ts";
import { asArray, asNumber, asString } from "./cast.ts";
import {
  checksumOf,
  decodeCommit,
  decodeDirmeta,
  decodeDirtree,
  encodeCommit,
  encodeDirmeta,
  encodeDirtree,
  fileObjectPrefix,
  symlinkChecksum,
} from "./index.ts";
import { swap32 } from "./byte-order.ts";
import { xattrsFromValue } from "./xattrs.ts";

const objects = Object.entries(
  JSON.parse(readFileSync("test/vectors/ostree/archive-objects.json", "utf8")) as Record<string, string>,
).map(([name, text]) => ({ checksum: name.slice(0, 64), kind: name.slice(65), bytes: fromHex(text) }));

describe("objects that ostree wrote", () => {
  it.each(objects.filter(({ kind }) => kind !== "filez"))("$checksum.$kind", ({ checksum, kind, bytes }) => {
    expect(checksumOf(bytes)).toBe(checksum);
    if (kind === "commit") expect(hex(encodeCommit(decodeCommit(bytes)))).toBe(hex(bytes));
    if (kind === "dirtree") expect(hex(encodeDirtree(decodeDirtree(bytes)))).toBe(hex(bytes));
    if (kind === "dirmeta") expect(hex(encodeDirmeta(decodeDirmeta(bytes)))).toBe(hex(bytes));
  });

  it.each(objects.filter(({ kind }) => kind === "filez"))("$checksum.filez", ({ checksum, bytes }) => {
    const length = Buffer.from(bytes).readUInt32BE();
    const [, uid, gid, mode, , target, xattrs] = asArray(decodeGVariant("(tuuuusa(ayay))", bytes.slice(8, 8 + length)));
    const metadata = {
      uid: swap32(asNumber(uid)),
      gid: swap32(asNumber(gid)),
      mode: swap32(asNumber(mode)) & 0o7777,
      xattrs: xattrsFromValue(xattrs),
    };
    if (asString(target) !== "") {
      expect(symlinkChecksum(metadata, utf8ToByteString(asString(target)))).toBe(checksum);
    } else {
      const content = inflateRawSync(bytes.subarray(8 + length));
      expect(hash("sha256", concatBytes([fileObjectPrefix(metadata), content]), "hex")).toBe(checksum);
    }
  });

  it("knows the well-known ones", () => {
    const root = { uid: 0, gid: 0, xattrs: [] };
    expect(checksumOf(encodeDirmeta({ ...root, mode: 0o755 }))).toMatch(/^446a0ef1/);
    expect(hash("sha256", fileObjectPrefix({ ...root, mode: 0o644 }), "hex")).toMatch(/^cc700d46/);
    const hello = concatBytes([fileObjectPrefix({ ...root, mode: 0o644 }), utf8("hello world\n")]);
    expect(hash("sha256", hello, "hex")).toMatch(/^81381808/);
  });
});

describe("refusals", () => {
  const owner = { uid: 0, gid: 0, mode: 0o755 };
  const value = new Uint8Array();
  it("unsorted, double and empty xattr names", () => {
    for (const names of [["user.b", "user.a"], ["user.a", "user.a"], [""]]) {
      expect(() => encodeDirmeta({ ...owner, xattrs: names.map((name) => ({ name, value })) })).toThrow(
        /sorted, distinct/,
      );
    }
  });

  it("names that ostree cannot hold", () => {
    for (const name of ["", ".", "..", "a/b", "\xff"]) {
      expect(() => encodeDirtree({ files: [{ name, checksum: "0".repeat(64) }], directories: [] })).toThrow(/name/);
    }
  });

  it("an empty link target", () => {
    expect(() => symlinkChecksum({ ...owner, xattrs: [] }, "")).toThrow(/target/);
  });
});

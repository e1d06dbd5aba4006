import { mkdirSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { treeTarget } from "../../../test/support/copy-target.ts";
import { tarOf } from "../../../test/support/tar-of.ts";
import { tempDir } from "../../../test/support/tools.ts";
import { contentBytes, contentOf, EMPTY_CONTENT } from "../../base/io/index.ts";
import { directory, type LayerEntry } from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import { openArchive, putArchive } from "./archive.ts";
import { sniffCompression } from "../../formats/compression/index.ts";
import { Staging } from "./staging.ts";

const ENTRY = {
  mode: 0o644,
  uid: 1,
  gid: 2,
  mtimeSeconds: 5,
  xattrs: [],
  target: "",
  content: EMPTY_CONTENT,
  major: 0,
  minor: 0,
};
const file = (path: string, text = path): LayerEntry => ({
  ...ENTRY,
  type: "file",
  path,
  content: contentOf(Buffer.from(text)),
});
const link = (path: string, target: string): LayerEntry => ({ ...ENTRY, type: "hardlink", path, target });
const signal = new AbortController().signal;
const same = (seconds: number): number => seconds;

async function open(bytes: Uint8Array, path: string): ReturnType<typeof openArchive> {
  return await openArchive(contentOf(bytes), "x.tar", () => Promise.resolve(path), signal);
}

async function unpacked(entries: readonly LayerEntry[], onto = directory()): Promise<LayerEntry[]> {
  using folder = tempDir();
  const archive = await open(await tarOf(entries), folder.join("tar"));
  const staging = new Staging(treeTarget(onto), { owner: { uid: 7, gid: 8 }, follow: true });
  if (archive === undefined) throw new Error("no archive");
  await putArchive(archive, staging, "x", same);
  return staging.entries();
}

const paths = (entries: readonly LayerEntry[]): string[] =>
  entries.map(({ path, type, target }) => `${path} ${type} ${target}`.trim());

describe("an archive", () => {
  it("is told by its content, whatever it is compressed with", async () => {
    using folder = tempDir();
    const tar = await tarOf([file("a"), file("d/b", "hello")]);
    for (const [index, bytes] of [tar, gzipSync(tar), zstdCompressSync(tar)].entries()) {
      const archive = await open(bytes, folder.join(String(index)));
      expect(archive?.entries.map(({ path }) => path)).toEqual(["a", "d/b"]);
      const read = new Uint8Array(5);
      await archive?.source.read(archive.entries[1]?.spans[0]?.offset ?? 0, read);
      expect(Buffer.from(read).toString()).toBe("hello");
    }
    const none = [
      new Uint8Array(0),
      Buffer.from("text"),
      new Uint8Array(10240),
      gzipSync("text"),
      zstdCompressSync(""),
    ];
    for (const bytes of none) expect(await open(bytes, folder.join("none"))).toBeUndefined();
  });

  it("stays below the destination, its parents made", async () => {
    const entries = await unpacked([file("/abs"), file("../../up"), file("./d/../e"), file("p/q")]);
    expect(paths(entries)).toEqual([
      "x directory",
      "x/abs file",
      "x/e file",
      "x/p directory",
      "x/p/q file",
      "x/up file",
    ]);
    expect(entries.map(({ uid }) => uid)).toEqual([7, 1, 1, 7, 1, 1]);
  });

  it("gives the destination the metadata of its root", async () => {
    const [top] = await unpacked([{ ...ENTRY, type: "directory", path: "", mode: 0o700 }]);
    expect(top).toMatchObject({ path: "x", mode: 0o700, uid: 1 });
  });

  it("has its hard links, also to what the target has", async () => {
    const onto = directory({}, [
      ["x", directory({}, [["old", { ...ENTRY, type: "file", content: contentOf(Buffer.from("o")) }]])],
    ]);
    const entries = await unpacked([file("b"), link("a", "b"), link("c", "/b"), link("d", "old")], onto);
    expect(paths(entries)).toEqual(["x/a file", "x/b hardlink x/a", "x/c hardlink x/a", "x/d file"]);
    expect(Buffer.from(await contentBytes((entries.at(-1) as LayerEntry).content, 9)).toString()).toBe("o");
    await expect(unpacked([link("a", "b"), file("b")])).rejects.toThrow(/its target "b" is not there/);
    await expect(unpacked([{ ...ENTRY, type: "directory", path: "d" }, link("a", "d")])).rejects.toThrow(
      /is a directory/,
    );
  });

  it("is written through its own links, and replaces what it has twice", async () => {
    const symlink: LayerEntry = { ...ENTRY, type: "symlink", path: "lib", target: "/usr/lib" };
    expect(paths(await unpacked([symlink, file("lib/a"), file("lib/a", "again")]))).toEqual([
      "usr directory",
      "usr/lib directory",
      "usr/lib/a file",
      "x directory",
      "x/lib symlink /usr/lib",
    ]);
    expect(paths(await unpacked([file("a/b"), file("a"), file("c")]))).toEqual(["x directory", "x/a file", "x/c file"]);
    await expect(unpacked([file("a"), file("a/b")])).rejects.toMatchObject({ code: "BAD_VALUE" });
    await expect(unpacked([file(".wh.a")])).rejects.toThrow(/deletes a file/);
  });

  it("cut or spoilt is refused with our error, never half unpacked", async () => {
    using folder = tempDir();
    mkdirSync(folder.join("s"));
    const tar = await tarOf([file("a", "x".repeat(600)), file("d/b"), link("c", "a")]);
    const attempt = async (bytes: Uint8Array, name: string): Promise<void> => {
      const result = await open(bytes, folder.join("s", name)).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(BuildError);
    };
    for (let length = 513; length < tar.length - 1024; length += 97) {
      const cut = tar.subarray(0, length);
      if (length % 512 !== 0) await expect(open(cut, "")).rejects.toMatchObject({ code: "BAD_VALUE" });
    }
    const packed = gzipSync(tar);
    for (let length = 1; length < packed.length; length += 7) await attempt(packed.subarray(0, length), `cut${length}`);
    for (let at = 0; at < packed.length; at += 5) {
      const spoilt = Buffer.from(packed);
      spoilt[at] = (spoilt[at] as number) ^ 0x55;
      await attempt(spoilt, `bit${at}`);
    }
    for (let at = 0; at < tar.length; at += 41) {
      const spoilt = Buffer.from(tar);
      spoilt[at] = (spoilt[at] as number) ^ 0x55;
      await attempt(spoilt, `tar${at}`);
    }
  });

  it.each([
    ["1f8b08", "gzip"],
    ["28b52ffd00", "zstd"],
    ["502a4d18", "zstd"],
    ["fd377a585a00", "xz"],
    ["425a6839", "bzip2"],
    ["fd377a585b00", undefined],
    ["", undefined],
  ])("that begins with %s is %s", (bytes, name) => expect(sniffCompression(Buffer.from(bytes, "hex"))).toBe(name));
});

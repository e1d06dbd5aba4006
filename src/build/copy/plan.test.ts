import { chmodSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { requestOf, treeTarget } from "../../../test/support/copy-target.ts";
import { tempDir, type TempFolder } from "../../../test/support/tools.ts";
import { contentBytes, contentOf } from "../../base/io/index.ts";
import {
  applyLayer,
  directory,
  type DirectoryInode,
  file,
  type Inode,
  type LayerEntry,
  lookup,
  symlink,
} from "../../tree/index.ts";
import { parseIgnoreFile } from "../containerfile/index.ts";
import { directoryContext } from "./directory-context.ts";
import { planCopy, prepareCopy } from "./plan.ts";
import type { CopyRequest } from "./request.ts";
import { rootContext } from "./root-context.ts";

const TIME = 1_600_000_000;

function context(folder: TempFolder, files: Readonly<Record<string, string>>, ignore = "") {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(folder.join(path, ".."), { recursive: true });
    writeFileSync(folder.join(path), text);
    utimesSync(folder.join(path), TIME, TIME);
  }
  return directoryContext(folder.path, parseIgnoreFile(Buffer.from(ignore), ".containerignore"));
}

const empty = (): Inode => file(contentOf(new Uint8Array(0)));
const lines = (entries: readonly LayerEntry[]): string[] =>
  entries.map(({ path, type, mode, uid, gid, target }) =>
    `${path} ${type} ${mode.toString(8)} ${uid}:${gid} ${target}`.trim(),
  );

describe("planCopy", () => {
  it("returns what is new, with the directories that are made on the way", async () => {
    using folder = tempDir();
    const from = context(folder, { "a.txt": "one" });
    const onto = directory({}, [["usr", directory({ mode: 0o711, uid: 3, mtimeSeconds: 5 }, [["x", empty()]])]]);
    const { entries } = await planCopy(requestOf("COPY a.txt /usr/share/new/"), from, treeTarget(onto));
    expect(lines(entries)).toEqual([
      "usr/share directory 755 0:0",
      "usr/share/new directory 755 0:0",
      "usr/share/new/a.txt file 644 0:0",
    ]);
    expect(entries.map(({ mtimeSeconds }) => mtimeSeconds)).toEqual([TIME, TIME, TIME]);
    expect(Buffer.from(await contentBytes((entries[2] as LayerEntry).content, 10)).toString()).toBe("one");
  });

  it("dates by the epoch what it copies and what it makes", async () => {
    using folder = tempDir();
    const from = context(folder, { a: "1", b: "2" });
    utimesSync(folder.join("b"), 10, 10);
    const request = requestOf("COPY a b /x/", { epochSeconds: 1000 });
    const { entries } = await planCopy(request, from, treeTarget(directory()));
    expect(entries.map(({ path, mtimeSeconds }) => [path, mtimeSeconds])).toEqual([
      ["x", 1000],
      ["x/a", 1000],
      ["x/b", 1000],
    ]);
  });

  it("writes heredocs as files", async () => {
    const sources = [
      { name: "run.sh", content: Buffer.from("echo\n") },
      { name: "b", content: Buffer.from("") },
    ];
    const from = rootContext({ tree: () => Promise.resolve(directory()) });
    const plan = async (options: Partial<CopyRequest>): Promise<string[]> => {
      const request = { ...requestOf("COPY x /bin/"), ...options };
      return lines((await planCopy(request, from, treeTarget(directory()))).entries);
    };
    expect(await plan({ sources })).toEqual(["bin directory 755 0:0", "bin/b file 644 0:0", "bin/run.sh file 644 0:0"]);
    const one = { sources: sources.slice(0, 1), destination: "/bin/r", chmod: "700", chown: "3:4" };
    expect(await plan(one)).toEqual(["bin directory 755 3:4", "bin/r file 700 3:4"]);
  });

  it("follows links of the target but for --link", async () => {
    using folder = tempDir();
    const from = context(folder, { a: "1" });
    const onto = directory({}, [
      ["lib", symlink("usr/lib")],
      ["usr", directory({}, [["lib", directory({}, [["x", empty()]])]])],
    ]);
    const followed = await planCopy(requestOf("COPY a /lib/"), from, treeTarget(onto));
    expect(followed.entries.map(({ path }) => path)).toEqual(["usr/lib/a"]);
    const linked = await planCopy(requestOf("COPY --link a /lib/"), from, treeTarget(onto));
    expect(linked.entries.map(({ path }) => path)).toEqual(["lib", "lib/a"]);
    const tree = applyLayer(onto, linked.entries);
    expect(lookup(tree, "lib/a")?.type).toBe("file");
    expect(lookup(tree, "usr/lib/x")?.type).toBe("file");
  });

  it("keeps hard links within a source, and their first name first", async () => {
    using folder = tempDir();
    const from = context(folder, { "d/b": "1", "d/z/c": "2" });
    linkSync(folder.join("d/b"), folder.join("d/a"));
    linkSync(folder.join("d/b"), folder.join("d/z/b"));
    const { entries } = await planCopy(requestOf("COPY d /"), from, treeTarget(directory()));
    expect(lines(entries).filter((line) => !line.includes("directory"))).toEqual([
      "a file 644 0:0",
      "b hardlink 644 0:0 a",
      "z/b hardlink 644 0:0 a",
      "z/c file 644 0:0",
    ]);
  });

  it("keeps owners, bits and the attributes that matter of a stage", async () => {
    const value = new Uint8Array([1, 0]);
    const xattrs = ["security.capability", "security.selinux", "user.a", "user.overlay.x"].map((name) => ({
      name,
      value,
    }));
    const stage = directory({}, [
      ["bin", directory({}, [["ping", file(contentOf(value), { mode: 0o4755, uid: 5, gid: 6, xattrs })]])],
    ]);
    const from = rootContext({ tree: () => Promise.resolve(stage) });
    const plan = async (text: string): Promise<LayerEntry | undefined> =>
      (await planCopy(requestOf(text), from, treeTarget(directory()))).entries.at(-1);
    expect(await plan("COPY /bin/ping /p")).toMatchObject({ path: "p", mode: 0o4755, uid: 5, gid: 6 });
    expect((await plan("COPY /bin/ping /p"))?.xattrs.map(({ name }) => name)).toEqual([
      "security.capability",
      "user.a",
    ]);
    expect(await plan("COPY --chown=1 bin /p")).toMatchObject({ path: "p/ping", mode: 0o4755, uid: 1, gid: 1 });
  });

  it("skips a wildcard that matches nothing when there is something else", async () => {
    using folder = tempDir();
    const from = context(folder, { "a.txt": "1", "hidden.md": "2" }, "*.md");
    const paths = async (text: string): Promise<string[]> =>
      (await planCopy(requestOf(text), from, treeTarget(directory()))).entries.map(({ path }) => path);
    expect(await paths("COPY *.none a.txt *.md no/*/such /x/")).toEqual(["x", "x/a.txt"]);
    await expect(paths("COPY *.none *.md /x/")).rejects.toThrow(/"\*\.none" .*: no file matches/);
    await expect(paths("COPY *.md *.none /x/")).rejects.toThrow(/"hidden\.md" is excluded/);
    await expect(paths("COPY a.txt missing /x/")).rejects.toThrow(/"missing" .*: there is no such file/);
    await expect(paths("COPY a.txt \\*.none /x/")).rejects.toThrow(/none" of .*: /);
  });

  it("refuses what a layer or the target cannot have", async () => {
    using folder = tempDir();
    const from = context(folder, { ".wh.x": "", a: "", "d/e": "", [`long/${"n".repeat(200)}`]: "" });
    const onto = treeTarget(directory({}, [["f", empty()]]));
    const refused = async (text: string, options: Partial<CopyRequest> = {}): Promise<string> => {
      const error = await planCopy(requestOf(text, options), from, onto).catch((reason: unknown) => reason);
      return error instanceof Error ? error.message : "done";
    };
    expect(await refused("COPY .wh.x /")).toMatch(/in a layer such a name deletes a file/);
    expect(await refused("COPY a /f/")).toMatch(/it is a file, want a directory/);
    expect(await refused("COPY d /f")).toMatch(/it is a file, want a directory/);
    expect(await refused("COPY a /f/x")).toMatch(/cannot copy into "\/f": it is a file/);
    expect(await refused("COPY [ad]* /x")).toMatch(/cannot copy 2 files to "\/x": want a directory/);
    expect(await refused(`COPY long ${"/n".repeat(2000)}`)).toMatch(/its path has 42\d\d bytes/);
    expect(await refused("COPY --checksum=sha256:0 a /x")).toMatch(/ADD of a web address only/);
    expect(await refused("COPY http://h/x /x")).toMatch(/it is a web address/);
    expect(await refused("ADD https://h/x.git /x")).toMatch(/git repositories are not fetched/);
    expect(await refused("COPY --parents **/./e /x/")).toMatch(/"\*\*" stands before/);
  });
});

describe("the digest of a plan", () => {
  it("changes with all that determines the result, and with nothing else", async () => {
    using folder = tempDir();
    const files = { "d/a": "1", "d/s/b": "2" };
    const digest = async (text = "COPY d /x/", options: Partial<CopyRequest> = {}): Promise<string> =>
      (await prepareCopy(requestOf(text, options), context(folder, files))).digest;
    const first = await digest();
    const seen = [first];
    utimesSync(folder.join("d/a"), 1, 1);
    expect(await digest()).toBe(first);
    expect(await digest("COPY ./d/ /x/")).toBe(first);
    expect(await digest("COPY d x/")).toBe(first);
    expect(await digest("COPY d y/../x/", { workdir: "/" })).toBe(first);
    for (const other of [
      "COPY d /y/",
      "COPY d /x",
      "COPY --link d /x/",
      "COPY --chown=1 d /x/",
      "COPY --chmod=600 d /x/",
    ])
      seen.push(await digest(other));
    seen.push(await digest("COPY d x/", { workdir: "/w" }), await digest("COPY d /x/", { epochSeconds: 1 }));
    seen.push(await digest("COPY d/* /x/"), await digest("COPY d d /x/"), await digest("COPY --exclude=**/b d /x/"));
    chmodSync(folder.join("d/a"), 0o600);
    seen.push(await digest());
    chmodSync(folder.join("d/a"), 0o644);
    expect(await digest()).toBe(first);
    writeFileSync(folder.join("d/a"), "3");
    files["d/a"] = "3";
    seen.push(await digest());
    symlinkSync("a", folder.join("d/link"));
    seen.push(await digest());
    expect(new Set(seen).size).toBe(seen.length);
  });

  it("does not depend on where the context is", async () => {
    const digests = await Promise.all(
      [0, 1].map(async () => {
        using folder = tempDir();
        return (await prepareCopy(requestOf("COPY . /"), context(folder, { a: "1", "b/c": "2" }))).digest;
      }),
    );
    expect(digests[0]).toBe(digests[1]);
  });

  it("does not mind the order in which a tree was made", async () => {
    const tree = (names: readonly string[]): DirectoryInode =>
      directory(
        {},
        names.map((name) => [name, empty()] as const),
      );
    const digest = async (names: readonly string[]): Promise<string> =>
      (await prepareCopy(requestOf("COPY . /"), rootContext({ tree: () => Promise.resolve(tree(names)) }))).digest;
    expect(await digest(["a", "b"])).toBe(await digest(["b", "a"]));
    expect(await digest(["a", "b"])).not.toBe(await digest(["a", "c"]));
  });
});

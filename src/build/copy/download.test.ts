import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { requestOf, treeTarget } from "../../../test/support/copy-target.ts";
import { tarOf } from "../../../test/support/tar-of.ts";
import { tempDir } from "../../../test/support/tools.ts";
import { contentBytes, contentOf, EMPTY_CONTENT } from "../../base/io/index.ts";
import { directory, type LayerEntry } from "../../tree/index.ts";
import { download } from "./download.ts";
import { prepareCopy } from "./plan.ts";
import type { CopyRequest } from "./request.ts";
import { rootContext } from "./root-context.ts";

const NOTHING = rootContext({ tree: () => Promise.resolve(directory()) });
const HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const signal = new AbortController().signal;
let server: Server | undefined;
let asked: string[] = [];

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: RequestListener): Promise<string> {
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function entries(instruction: string, options: Partial<CopyRequest> = {}): Promise<LayerEntry[]> {
  using folder = tempDir();
  const request = requestOf(instruction, { scratch: folder.path, ...options });
  const planned = await (await prepareCopy(request, NOTHING)).entries(treeTarget(directory()));
  for (const entry of planned) if (entry.type === "file") await contentBytes(entry.content, 1000);
  return planned;
}

describe("ADD of a web address", () => {
  it("makes a file of root's, 0600, named by the address, dated by the server", async () => {
    const origin = await serve((_, response) => {
      response.setHeader("last-modified", "Wed, 01 Jan 2020 00:00:00 GMT");
      response.end("hello");
    });
    const added = await entries(`ADD ${origin}/a/b.txt?x=/y /d/`);
    expect(added).toMatchObject([
      { path: "d", mode: 0o755 },
      { path: "d/b.txt", mode: 0o600, uid: 0, mtimeSeconds: 1_577_836_800 },
    ]);
    expect(await entries(`ADD --chmod=755 --chown=1:2 ${origin}/a/ /d`)).toMatchObject([
      { path: "d", type: "file", mode: 0o755, uid: 1, gid: 2 },
    ]);
    expect(await entries(`ADD ${origin}/a /d`, { epochSeconds: 9 })).toMatchObject([{ path: "d", mtimeSeconds: 9 }]);
    await expect(entries(`ADD ${origin}/a/ /d/`)).rejects.toThrow(/neither it nor the server names a file/);
  });

  it("takes the name that the server tells when the address has none, and the epoch for no date", async () => {
    const origin = await serve((_, response) => {
      response.setHeader("content-disposition", 'attachment; filename="../x.txt"');
      response.end("hello");
    });
    expect(await entries(`ADD ${origin}/ /d/`)).toMatchObject([{}, { path: "d/x.txt", mtimeSeconds: 0 }]);
  });

  it("asks for nothing before the step cache was, when there is a checksum", async () => {
    const origin = await serve((_, response) => void response.end("hello"));
    using folder = tempDir();
    const plan = async (text: string): ReturnType<typeof prepareCopy> =>
      await prepareCopy(requestOf(text, { scratch: folder.path }), NOTHING);
    const right = await plan(`ADD --checksum=sha256:${HELLO} ${origin}/f /f`);
    expect(asked).toEqual([]);
    expect(await right.entries(treeTarget(directory()))).toMatchObject([{ path: "f" }]);
    const wrong = await plan(`ADD --checksum=sha256:${"0".repeat(64)} ${origin}/f /f`);
    expect(wrong.digest).not.toBe(right.digest);
    await expect(wrong.entries(treeTarget(directory()))).rejects.toMatchObject({ code: "CHECKSUM" });
    await expect(plan(`ADD --checksum=md5:1 ${origin}/f /f`)).rejects.toThrow(/want sha256/);
  });

  it("follows redirects, ten at most, to the web only", async () => {
    const origin = await serve(({ url = "" }, response) => {
      const left = Number(url.slice(1));
      const away = url === "/file" ? "file:///etc/passwd" : url === "/none" ? "" : `/${left - 1}`;
      if (left > 0 || away !== `/${left - 1}`) response.writeHead(302, away === "" ? {} : { location: away }).end();
      else response.end("hello");
    });
    expect(await entries(`ADD ${origin}/10 /f`)).toMatchObject([{ path: "f" }]);
    await expect(entries(`ADD ${origin}/11 /f`)).rejects.toThrow(/redirected more than 10 times/);
    await expect(entries(`ADD ${origin}/file /f`)).rejects.toThrow(/redirected to no web address/);
    await expect(entries(`ADD ${origin}/none /f`)).rejects.toThrow(/redirected to no web address/);
  });

  it("says what went wrong, without what may be a secret", async () => {
    const origin = await serve(({ url }, response) => {
      if (url?.startsWith("/cut") === true) {
        response.writeHead(200, { "content-length": 100 }).write("hello");
        setTimeout(() => response.destroy(), 20);
      } else response.writeHead(404).end();
    });
    await expect(entries(`ADD ${origin}/f?token=abc /f`)).rejects.toThrow(
      `cannot ADD ${origin}/f: the server answers 404 Not Found`,
    );
    await expect(entries(`ADD ${origin}/cut /f`)).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(entries("ADD http://127.0.0.1:1/f /f")).rejects.toThrow(/ECONNREFUSED|refused/);
    await expect(entries("ADD http://:x/ /f")).rejects.toThrow(/is no web address/);
  });

  it("stops at its size, announced or not", async () => {
    using folder = tempDir();
    const origin = await serve(({ url }, response) => {
      if (url === "/announced") response.setHeader("content-length", 11);
      response.write("hello");
      response.end("hello!");
    });
    for (const path of ["announced", "not"]) {
      const options = { path: folder.join(path), signal, maxBytes: 10 };
      await expect(download(new URL(`${origin}/${path}`), options)).rejects.toMatchObject({ code: "LIMIT" });
    }
    const { entry } = await download(new URL(origin), { path: folder.join("ok"), signal, maxBytes: 11 });
    expect(entry.content.sizeBytes).toBe(11);
  });

  it("unpacks an archive when told to, only then", async () => {
    const facts = { target: "", mode: 0o644, uid: 1, gid: 1, mtimeSeconds: 1, xattrs: [], major: 0, minor: 0 };
    const inside: LayerEntry = { ...facts, type: "file", path: "in", content: contentOf(Buffer.from("x")) };
    const tar = gzipSync(await tarOf([inside, { ...inside, path: "e", content: EMPTY_CONTENT }]));
    const origin = await serve((_, response) => void response.end(tar));
    expect((await entries(`ADD ${origin}/t.tgz /d/`)).map(({ path }) => path)).toEqual(["d", "d/t.tgz"]);
    expect((await entries(`ADD --unpack ${origin}/t.tgz /d/`)).map(({ path }) => path)).toEqual(["d", "d/e", "d/in"]);
  });
});

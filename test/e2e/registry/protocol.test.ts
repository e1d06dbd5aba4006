import { existsSync, readdirSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  codesOf,
  INDEX_TYPE,
  type LocalRegistry,
  localRegistry,
  MANIFEST_TYPE,
  sha256,
} from "../../support/local-registry.ts";

let local: LocalRegistry;
beforeAll(async () => {
  local = await localRegistry();
});
afterAll(async () => {
  expect(local.errors).toEqual([]);
  await local[Symbol.asyncDispose]();
});

const MISSING = `sha256:${"0".repeat(64)}`;
const text = Buffer.from("hello, registry");

/** A path as it is written, which fetch would tidy up. */
function rawStatus(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { host, port } = local.registry;
    request({ host, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

describe("blobs", () => {
  it("are kept, found, given out whole and in part", async () => {
    const digest = await local.pushBlob("a/b", text);
    const path = `/v2/a/b/blobs/${digest}`;
    const head = await local.ask("HEAD", path);
    expect([head.status, head.headers.get("content-length"), head.headers.get("docker-content-digest")]).toEqual([
      200,
      "15",
      digest,
    ]);
    expect(await (await local.ask("GET", path)).text()).toBe("hello, registry");
    const part = await local.ask("GET", path, { headers: { range: "bytes=7-9" } });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([206, "bytes 7-9/15", "reg"]);
    const beyond = await local.ask("GET", path, { headers: { range: "bytes=15-" } });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */15"]);
    const known = await local.ask("GET", path, { headers: { "if-none-match": `"${digest}"` } });
    expect(known.status).toBe(304);
    const stale = await local.ask("GET", path, { headers: { range: "bytes=0-1", "if-range": '"other"' } });
    expect(stale.status).toBe(200);
  });

  it("belong to their repository until they are deleted there", async () => {
    const digest = await local.pushBlob("mine", text);
    expect((await local.ask("GET", `/v2/yours/blobs/${digest}`)).status).toBe(404);
    const mounted = await local.ask("POST", `/v2/yours/blobs/uploads/?mount=${digest}&from=mine`);
    expect([mounted.status, mounted.headers.get("location")]).toEqual([201, `/v2/yours/blobs/${digest}`]);
    expect((await local.ask("DELETE", `/v2/mine/blobs/${digest}`)).status).toBe(202);
    expect((await local.ask("GET", `/v2/mine/blobs/${digest}`)).status).toBe(404);
    expect((await local.ask("GET", `/v2/yours/blobs/${digest}`)).status).toBe(200);
    expect(await codesOf(await local.ask("DELETE", `/v2/mine/blobs/${digest}`))).toEqual(["BLOB_UNKNOWN"]);
  });

  it("may be empty, and may have a sha512 digest", async () => {
    const digest = await local.pushBlob("a", Buffer.alloc(0));
    expect((await local.ask("GET", `/v2/a/blobs/${digest}`)).headers.get("content-length")).toBe("0");
    const long = `sha512:${"d".repeat(128)}`;
    expect((await local.ask("POST", `/v2/a/blobs/uploads/?digest=${long}`, { body: "x" })).status).toBe(400);
  });
});

describe("uploads", () => {
  async function start(): Promise<string> {
    const answer = await local.ask("POST", "/v2/up/blobs/uploads/");
    expect(answer.status).toBe(202);
    return answer.headers.get("location") ?? "";
  }

  it("go on chunk by chunk, in order only", async () => {
    const location = await start();
    const patch = (body: string, range: string): Promise<Response> =>
      local.ask("PATCH", location, { body, headers: { "content-range": range } });
    expect((await patch("hello, ", "0-6")).headers.get("range")).toBe("0-6");
    const again = await patch("hello, ", "0-6");
    expect([again.status, again.headers.get("range")]).toEqual([416, "0-6"]);
    expect((await patch("registry", "8-15")).status).toBe(416);
    expect(await codesOf(await patch("registry", "7-99"))).toEqual(["SIZE_INVALID"]);
    expect((await patch("registry", "nonsense")).status).toBe(416);
    const status = await local.ask("GET", location);
    expect([status.status, status.headers.get("range"), status.headers.get("location")]).toEqual([
      204,
      "0-6",
      location,
    ]);
    const last = { body: "registry", headers: { "content-range": "7-14" } };
    expect((await local.ask("PUT", `${location}?digest=${sha256(text)}`, last)).status).toBe(201);
    expect((await local.ask("GET", location)).status).toBe(404);
  });

  it("are refused when the digest is wrong, and can be cancelled", async () => {
    const wrong = await local.ask("PUT", `${await start()}?digest=${MISSING}`, { body: "x" });
    expect([wrong.status, await codesOf(wrong)]).toEqual([400, ["DIGEST_INVALID"]]);
    const location = await start();
    expect((await local.ask("DELETE", location)).status).toBe(204);
    expect(await codesOf(await local.ask("PATCH", location, { body: "x" }))).toEqual(["BLOB_UPLOAD_UNKNOWN"]);
    expect(readdirSync(join(local.root, "repositories/up/_uploads"))).toEqual([]);
  });

  it("keep what arrived of a connection that broke", async () => {
    const location = await start();
    const { host, port } = local.registry;
    const socket = connect(port, host);
    socket.on("error", () => undefined);
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello, `);
    await expect.poll(async () => (await local.ask("GET", location)).status).toBe(204);
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.destroy();
    await expect.poll(async () => (await local.ask("GET", location)).headers.get("range")).toBe("0-6");
    const done = await local.ask("PUT", `${location}?digest=${sha256(text)}`, { body: "registry" });
    expect(done.status).toBe(201);
  });

  it("in one request leave nothing when they break off", async () => {
    const { host, port } = local.registry;
    const socket = connect(port, host);
    socket.on("error", () => undefined);
    socket.write(
      `POST /v2/once/blobs/uploads/?digest=${MISSING} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello`,
    );
    const uploads = join(local.root, "repositories/once/_uploads");
    await expect.poll(() => existsSync(uploads) && readdirSync(uploads).length).toBe(1);
    socket.destroy();
    await expect.poll(() => readdirSync(uploads)).toEqual([]);
  });

  it("give way to a newer request for the same upload", async () => {
    const location = await start();
    const { host, port } = local.registry;
    const socket = connect(port, host);
    socket.on("error", () => undefined);
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello, `);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const done = await local.ask("PUT", `${location}?digest=${sha256(text)}`, { body: "registry" });
    expect(done.status).toBe(201);
    socket.destroy();
  });
});

describe("manifests", () => {
  it("keep their bytes and media type, by tag and by digest", async () => {
    const digest = await local.pushImage("os", "1");
    for (const reference of ["1", digest]) {
      const answer = await local.ask("GET", `/v2/os/manifests/${reference}`);
      expect(answer.headers.get("content-type")).toBe(MANIFEST_TYPE);
      expect(answer.headers.get("docker-content-digest")).toBe(digest);
      expect(sha256(new Uint8Array(await answer.arrayBuffer()))).toBe(digest);
    }
    expect((await local.ask("DELETE", "/v2/os/manifests/1")).status).toBe(202);
    expect((await local.ask("HEAD", "/v2/os/manifests/1")).status).toBe(404);
    expect((await local.ask("HEAD", `/v2/os/manifests/${digest}`)).status).toBe(200);
  });

  it("go with all their tags", async () => {
    const digest = await local.pushImage("gone", "1");
    await local.pushImage("gone", "2");
    expect((await local.ask("DELETE", `/v2/gone/manifests/${digest}`)).status).toBe(202);
    expect(await (await local.ask("GET", "/v2/gone/tags/list")).json()).toEqual({ name: "gone", tags: ["2"] });
  });

  it("set several tags at once", async () => {
    const { status, headers } = await local.ask("PUT", `/v2/os/manifests/${sha256(index)}?tag=a&tag=b`, {
      body: index,
      headers: { "content-type": `${INDEX_TYPE}; charset=utf-8` },
    });
    expect([status, headers.get("oci-tag")]).toEqual([201, "a, b"]);
    expect((await local.ask("HEAD", "/v2/os/manifests/b")).headers.get("docker-content-digest")).toBe(sha256(index));
  });

  // Its image is not there: an index may be sparse.
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: INDEX_TYPE,
      manifests: [{ mediaType: MANIFEST_TYPE, digest: MISSING, size: 3 }],
    }),
  );
  const layer = { mediaType: "application/octet-stream", digest: MISSING, size: 3 };
  const image = { schemaVersion: 2, mediaType: MANIFEST_TYPE, config: layer, layers: [] };

  it.each([
    ["no JSON", "{", "MANIFEST_INVALID", 400],
    ["another schema", JSON.stringify({ ...image, schemaVersion: 1 }), "MANIFEST_INVALID", 400],
    ["another media type inside", JSON.stringify({ ...image, mediaType: INDEX_TYPE }), "MANIFEST_INVALID", 400],
    ["an image that is an index, too", JSON.stringify({ ...image, manifests: [] }), "MANIFEST_INVALID", 400],
    ["a digest that is none", JSON.stringify({ ...image, config: { ...layer, digest: "x" } }), "MANIFEST_INVALID", 400],
    ["a blob that is not there", JSON.stringify(image), "MANIFEST_BLOB_UNKNOWN", 404],
    ["more than 4 MiB", `{"a":"${"x".repeat(4 * 1024 * 1024)}"}`, "SIZE_INVALID", 413],
  ])("are refused for %s", async (_, body, code, status) => {
    const answer = await local.ask("PUT", "/v2/os/manifests/bad", { body, headers: { "content-type": MANIFEST_TYPE } });
    expect([answer.status, await codesOf(answer)]).toEqual([status, [code]]);
  });

  it("are refused when they grow past 4 MiB on the way, and the connection lives to tell", async () => {
    const chunks = new ReadableStream({
      start: (controller) => {
        for (let index = 0; index < 5; index++) controller.enqueue(Buffer.alloc(1024 * 1024, " "));
        controller.close();
      },
    });
    const init = { body: chunks, duplex: "half", headers: { "content-type": MANIFEST_TYPE } } as RequestInit;
    expect((await local.ask("PUT", "/v2/os/manifests/bad", init)).status).toBe(413);
  });

  it("are refused under another digest", async () => {
    const answer = await local.ask("PUT", `/v2/os/manifests/${MISSING}`, {
      body: index,
      headers: { "content-type": INDEX_TYPE },
    });
    expect(await codesOf(answer)).toEqual(["DIGEST_INVALID"]);
  });
});

describe("lists", () => {
  it("give tags in pages", async () => {
    for (const tag of ["c", "a", "B", "b"]) await local.pushImage("tags", tag);
    const first = await local.ask("GET", "/v2/tags/tags/list?n=2");
    expect(await first.json()).toEqual({ name: "tags", tags: ["B", "a"] });
    const [, next = ""] = /<([^>]+)>; rel="next"/.exec(first.headers.get("link") ?? "") ?? [];
    const second = await local.ask("GET", next);
    expect(await second.json()).toEqual({ name: "tags", tags: ["b", "c"] });
    expect(second.headers.get("link")).toBeNull();
    const none = await local.ask("GET", "/v2/tags/tags/list?n=0");
    expect([await none.json(), none.headers.get("link")]).toEqual([{ name: "tags", tags: [] }, null]);
    expect((await local.ask("GET", "/v2/tags/tags/list?n=x")).status).toBe(400);
    expect(await codesOf(await local.ask("GET", "/v2/nothing/tags/list"))).toEqual(["NAME_UNKNOWN"]);
  });

  it("give referrers, of one type if asked, before and after their subject", async () => {
    const subject = { mediaType: MANIFEST_TYPE, digest: MISSING, size: 3 };
    const digest = await local.pushImage("ref", undefined, { subject, artifactType: "a/b", annotations: { x: "y" } });
    await local.pushImage("ref", undefined, { subject });
    const path = `/v2/ref/referrers/${MISSING}`;
    const all = await local.ask("GET", path);
    expect(all.headers.get("content-type")).toBe(INDEX_TYPE);
    expect(((await all.json()) as { manifests: unknown[] }).manifests.length).toBe(2);
    const some = await local.ask("GET", `${path}?artifactType=a/b`);
    expect(some.headers.get("oci-filters-applied")).toBe("artifactType");
    expect(await some.json()).toMatchObject({ manifests: [{ digest, artifactType: "a/b", annotations: { x: "y" } }] });
    await local.ask("DELETE", `/v2/ref/manifests/${digest}`);
    expect(await (await local.ask("GET", `${path}?artifactType=a/b`)).json()).toMatchObject({ manifests: [] });
    expect((await local.ask("GET", "/v2/ref/referrers/x")).status).toBe(400);
    expect((await local.ask("GET", `/v2/nothing/referrers/${MISSING}`)).status).toBe(200);
  });

  it("name the repositories, those within others, too", async () => {
    await local.pushImage("nest", "1");
    await local.pushImage("nest/blobs/uploads/x", "1");
    const { repositories } = (await (await local.ask("GET", "/v2/_catalog")).json()) as { repositories: string[] };
    expect(repositories).toEqual(expect.arrayContaining(["nest", "nest/blobs/uploads/x"]));
    expect(repositories).toEqual([...repositories].sort());
  });
});

describe("requests", () => {
  it.each([
    ["/v2/../../etc/passwd/blobs/x", 400],
    ["/v2/a/../b/manifests/x", 400],
    ["/v2/a/%2e%2e/manifests/x", 400],
    ["/v2/a/_uploads/manifests/x", 400],
    ["/v2/A/manifests/x", 400],
    ["/v2/%ff/manifests/x", 400],
    ["/v2/a/manifests/..%2f..%2fx", 404],
    ["/v2/a/manifests/.hidden", 404],
    ["/v2/a/blobs/sha256:..%2f..%2fx", 404],
    ["/v2/a/blobs/md5:d41d8cd98f00b204e9800998ecf8427e", 400],
    ["/v2/a/blobs/uploads/..%2f..%2fx", 404],
    ["/v1/", 404],
  ])("for %s answer %i", async (path, status) => {
    expect(await rawStatus(path)).toBe(status);
  });

  it("that are too long are refused", async () => {
    expect(await rawStatus(`/v2/${"a".repeat(300)}/manifests/x`)).toBe(400);
    expect(await rawStatus(`/v2/a/manifests/x?${"y".repeat(9000)}`)).toBe(414);
    expect(await rawStatus(`/v2/a/manifests/x?${"y".repeat(20_000)}`).catch(() => 431)).toBe(431);
  });

  it("of other methods are told which ones there are", async () => {
    const answer = await local.ask("POST", "/v2/a/tags/list");
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  it("that change something are refused to web pages", async () => {
    const answer = await local.ask("POST", "/v2/a/blobs/uploads/", { headers: { origin: "http://evil.example" } });
    expect(answer.status).toBe(403);
  });

  it("about health and numbers are answered", async () => {
    expect(await (await local.ask("GET", "/healthz")).json()).toEqual({ status: "ok" });
    expect(await (await local.ask("GET", "/metrics")).text()).toMatch(
      /slipway_registry_requests_total\{route="health",method="GET",status="200"\} 1/,
    );
  });
});

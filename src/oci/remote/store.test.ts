import { describe, expect, it } from "vitest";
import { IDENTITY_TOKEN, PASSWORD, send, USERNAME } from "../../../test/support/fake-registry.ts";
import { openSession, useRegistries } from "../../../test/support/registry-session.ts";
import { describeStore, pushImage } from "../../../test/support/store-contract.ts";
import { digestOf } from "../../base/digest.ts";
import { describeBytes, formatDescriptor } from "../descriptor.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { bytesOnce, fetchDocument } from "../store.ts";
import { RegistryStore } from "./store.ts";

const { start, storeAt } = useRegistries();

const ANN = { username: USERNAME, password: PASSWORD };
const layer = Buffer.from("a layer of a few bytes");
const blob = describeBytes(MEDIA_TYPE.layer, layer);

describeStore("a registry", async () => storeAt((await start()).host));
describeStore("a registry with tokens", async () =>
  storeAt((await start({ auth: "bearer" })).host, { credentials: ANN }),
);

describe("RegistryStore", () => {
  it("gets one token for all reads and one for all writes", async () => {
    const registry = await start({ auth: "bearer" });
    const store = storeAt(registry.host, { credentials: ANN });
    await Promise.all([store.exists(blob), store.exists(blob)]);
    const image = await pushImage(store, "a");
    await store.tag(image, "a");
    await store.resolve("a");
    expect([...registry.tokens.values()]).toEqual(["repository:team/app:pull", "repository:team/app:pull,push"]);
    expect(
      registry.seen
        .filter(({ url }) => url.startsWith("/token"))
        .every(({ headers }) => headers.authorization?.startsWith("Basic ")),
    ).toBe(true);
  });

  it("renews a token in time, and when it is refused before", async () => {
    const registry = await start({ auth: "bearer", tokenLifeS: 100 });
    let now = 0;
    const store = storeAt(registry.host, { credentials: ANN }, { now: () => now });
    await store.exists(blob);
    now = 80_000;
    await store.exists(blob);
    expect(registry.tokens.size).toBe(1);
    now = 91_000;
    await store.exists(blob);
    expect(registry.tokens.size).toBe(2);
    registry.tokens.clear();
    await store.exists(blob);
    expect(registry.tokens.size).toBe(1);
  });

  it("trades an identity token for a token by POST", async () => {
    const registry = await start({ auth: "bearer" });
    const store = storeAt(registry.host, { credentials: { identityToken: IDENTITY_TOKEN } });
    expect(await store.exists(blob)).toBe(false);
    expect(registry.log[0]).toBe("POST /token");
  });

  it.each([
    ["basic", undefined, /wants a login, and there is none/],
    ["bearer", undefined, /wants a login, and there is none/],
    ["basic", { ...ANN, password: "wrong" }, /does not accept the login that is stored/],
    ["bearer", { ...ANN, password: "wrong" }, /does not accept the login that is stored/],
  ] as const)("says how to log in: %s, %o", async (auth, credentials, message) => {
    const registry = await start({ auth });
    const store = storeAt(registry.host, credentials === undefined ? {} : { credentials });
    await expect(store.push(blob, bytesOnce(layer))).rejects.toMatchObject({
      name: "RegistryError",
      code: "UNAUTHORIZED",
      message: expect.stringMatching(message) as string,
      hint: `Log in: slipway login ${registry.host}`,
    });
    expect(registry.seen.some(({ method }) => method === "PUT")).toBe(false);
  });

  it("checks a login without a repository", async () => {
    const registry = await start({ auth: "bearer" });
    await using known = openSession({ credentials: ANN });
    await known.checkLogin(registry.host, "", false);
    await using unknown = openSession({ credentials: { ...ANN, password: "x" } });
    await expect(unknown.checkLogin(registry.host, "", false)).rejects.toMatchObject({
      code: "UNAUTHORIZED",
    });
  });

  it("sends no password to a token service that is not encrypted", async () => {
    const registry = await start();
    registry.intercept = (_, response) => {
      send(response, 401, { "www-authenticate": 'Bearer realm="http://192.0.2.1/token"' });
      return true;
    };
    await expect(storeAt(registry.host, { credentials: ANN }).exists(blob)).rejects.toThrow(/not encrypted/);
  });

  it("mounts blobs, and uses the upload that it gets instead", async () => {
    const registry = await start();
    const store = storeAt(registry.host);
    expect(await store.mount(blob, "team/base")).toBe(false);
    await store.push(blob, bytesOnce(layer));
    expect(await store.mount(blob, "team/base")).toBe(true);
    expect(registry.log.filter((line) => line.startsWith("POST"))).toEqual([
      `POST /v2/team/app/blobs/uploads/?mount=${blob.digest}&from=team%2Fbase`,
      `POST /v2/team/app/blobs/uploads/?mount=${blob.digest}&from=team%2Fbase`,
    ]);
    expect(registry.log).toContain(
      `PUT /v2/team/app/blobs/uploads/upload-1?state=a%2Fb&digest=${encodeURIComponent(blob.digest)}`,
    );
  });

  it("lists tags page by page, of this host only", async () => {
    const registry = await start({ pageSize: 2 });
    const store = storeAt(registry.host);
    const image = await pushImage(store, "a");
    for (const tag of ["a", "b", "c", "d", "e"]) await store.tag(image, tag);
    expect(await Array.fromAsync(store.tags())).toEqual(["a", "b", "c", "d", "e"]);
    registry.intercept = ({ url }, response) => {
      if (url?.includes("tags") !== true) return false;
      send(response, 200, { link: "<http://192.0.2.1/next>; rel=next" }, '{"tags":["a"]}');
      return true;
    };
    await expect(Array.fromAsync(store.tags())).rejects.toThrow(/goes on at another host: http:\/\/192.0.2.1/);
    registry.intercept = ({ url }, response) => {
      if (url?.includes("tags") !== true) return false;
      send(response, 200, { link: `</v2/team/app/tags/list?again>; rel=next` }, '{"tags":["a"]}');
      return true;
    };
    await expect(Array.fromAsync(store.tags())).rejects.toThrow(/same page again/);
  });

  it.each([true, false])("lists what refers to a manifest; referrers API: %s", async (hasReferrers) => {
    const registry = await start({ hasReferrers });
    const store = storeAt(registry.host);
    const subject = await pushImage(store, "a");
    const empty = describeBytes(MEDIA_TYPE.empty, Buffer.from("{}"));
    for (const artifactType of ["application/x.one", "application/x.two"]) {
      const bytes = Buffer.from(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: MEDIA_TYPE.manifest,
          artifactType,
          config: formatDescriptor(empty),
          layers: [],
          subject: formatDescriptor(subject),
        }),
      );
      await store.push(describeBytes(MEDIA_TYPE.manifest, bytes), bytesOnce(bytes));
    }
    const found = await store.referrers(subject.digest);
    expect(found.map(({ artifactType }) => artifactType)).toEqual(["application/x.one", "application/x.two"]);
    expect((await store.referrers(subject.digest, "application/x.two")).length).toBe(1);
    expect(await store.referrers(empty.digest)).toEqual([]);
    expect(registry.tags.has(subject.digest.replace(":", "-"))).toBe(!hasReferrers);
  });

  it("resolves without a body where the digest is in the header, else by the body", async () => {
    const registry = await start();
    const store = storeAt(registry.host);
    const image = await pushImage(store, "a");
    await store.tag(image, "a");
    registry.seen.length = 0;
    expect(await store.resolve("a")).toEqual(image);
    expect(registry.log).toEqual(["HEAD /v2/team/app/manifests/a"]);
    const { bytes } = registry.manifests.get(image.digest) ?? { bytes: Buffer.alloc(0) };
    registry.intercept = ({ url }, response) => {
      if (url?.endsWith("/a") !== true) return false;
      send(response, 200, { "content-type": "text/plain" }, bytes);
      return true;
    };
    expect(await store.resolve("a")).toEqual(image);
  });

  it("reads from mirrors first, and from the registry what they do not have", async () => {
    const [mirror, registry] = [await start(), await start()];
    const image = await pushImage(storeAt(mirror.host), "a");
    await storeAt(mirror.host).tag(image, "mirrored");
    const other = await pushImage(storeAt(registry.host), "b");
    await storeAt(registry.host).tag(other, "own");
    const store = storeAt(registry.host, { mirrors: ["127.0.0.1:1", mirror.host] });
    expect((await store.resolve("mirrored")).digest).toBe(image.digest);
    expect((await store.resolve("own")).digest).toBe(other.digest);
    expect(digestOf(await fetchDocument(store, image))).toBe(image.digest);
    // What decides about writing does not ask mirrors.
    await expect(
      storeAt(registry.host, { mirrors: [mirror.host] }, {}, { mirrors: false }).resolve("mirrored"),
    ).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await store.exists(image)).toBe(false);
  });

  it("goes on at the registry where a mirror breaks, and leaves a dead mirror alone", async () => {
    const [mirror, registry] = [await start(), await start()];
    registry.addBlob(layer);
    mirror.intercept = ({ url }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      response.writeHead(200, { "content-length": layer.length });
      response.write(layer.subarray(0, 10), () => response.destroy());
      return true;
    };
    const messages: string[] = [];
    const onRetry = (message: string): void => void messages.push(message);
    const store = storeAt(registry.host, { mirrors: ["127.0.0.1:1", mirror.host] }, { onRetry });
    for (let times = 0; times < 2; times++)
      expect(Buffer.concat(await Array.fromAsync(store.fetch(blob))).equals(layer)).toBe(true);
    expect(registry.seen.at(-1)?.headers.range).toBe(`bytes=10-${layer.length - 1}`);
    expect(messages.filter((message) => message.includes("127.0.0.1:1 ")).length).toBe(1);
  });

  it("resolves where HEAD is not supported", async () => {
    const registry = await start();
    const store = storeAt(registry.host);
    const image = await pushImage(store, "a");
    registry.intercept = ({ method }, response) => {
      if (method !== "HEAD") return false;
      send(response, 405);
      return true;
    };
    expect(await store.resolve(image.digest)).toEqual(image);
  });

  it("keeps its connections", async () => {
    const registry = await start();
    const store = storeAt(registry.host);
    const image = await pushImage(store, "a");
    for (let times = 0; times < 5; times++) {
      await store.resolve(image.digest);
      await expect(store.resolve("none")).rejects.toThrow("does not have it");
      await fetchDocument(store, image);
    }
    expect(registry.connections).toBeLessThan(4);
  });

  it("deletes manifests and blobs", async () => {
    const registry = await start();
    const store = storeAt(registry.host);
    const image = await pushImage(store, "a");
    await store.deleteManifest(image.digest);
    await expect(store.deleteManifest(image.digest)).rejects.toMatchObject({ name: "OciError", code: "NOT_FOUND" });
    await expect(store.deleteBlob(blob.digest)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  it("takes for deleted what is gone after an answer was lost", async () => {
    const registry = await start();
    let tries = 0;
    registry.intercept = ({ method }, response) => {
      if (method !== "DELETE") return false;
      if (tries++ === 0) response.destroy();
      else send(response, 404, {}, "{}");
      return true;
    };
    await storeAt(registry.host).deleteBlob(blob.digest);
    expect(tries).toBe(2);
  });

  it("tells how many bytes went over the wire", async () => {
    const registry = await start();
    const store = storeAt(registry.host);
    let bytes = 0;
    const onBytes = (count: number): void => void (bytes += count);
    await store.push(blob, bytesOnce(layer), { onBytes });
    expect(bytes).toBe(layer.length);
    await Array.fromAsync(store.fetch(blob, { onBytes }));
    expect(bytes).toBe(2 * layer.length);
  });

  it("refuses names that would lead elsewhere", async () => {
    await using session = openSession();
    const store = RegistryStore.open({ registry: "127.0.0.1:1", repository: "../../etc" }, session);
    await expect(store.exists(blob)).rejects.toMatchObject({ code: "BAD_REFERENCE" });
    await expect(storeAt("127.0.0.1:1").delete("../x")).rejects.toMatchObject({ code: "BAD_REFERENCE" });
  });
});

import { describe, expect, it } from "vitest";
import { PASSWORD, send, USERNAME } from "../../../test/support/fake-registry.ts";
import { useRegistries } from "../../../test/support/registry-session.ts";
import { describeBytes } from "../descriptor.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { bytesOnce } from "../store.ts";

const { start, storeAt } = useRegistries();

const ANN = { username: USERNAME, password: PASSWORD };
const bytes = Buffer.from("a layer of a few bytes");
const blob = describeBytes(MEDIA_TYPE.layer, bytes);

describe("a registry that redirects", () => {
  it("does not get its credentials to other hosts", async () => {
    const [registry, storage] = [await start({ auth: "bearer" }), await start()];
    registry.addBlob(bytes);
    storage.addBlob(bytes);
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      send(response, 307, { location: `http://user:pw@${storage.host}${url}` });
      return true;
    };
    const store = storeAt(registry.host, { credentials: ANN });
    expect(Buffer.concat(await Array.fromAsync(store.fetch(blob))).equals(bytes)).toBe(true);
    expect(registry.seen.at(-1)?.headers.authorization).toMatch(/^Bearer /);
    expect(storage.seen.length).toBe(1);
    expect(storage.seen[0]?.headers.authorization).toBeUndefined();
  });

  it("does not answer the challenge of another host", async () => {
    const [registry, storage] = [await start({ auth: "basic" }), await start()];
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      send(response, 307, { location: `http://${storage.host}${url}` });
      return true;
    };
    storage.intercept = (_, response) => {
      send(response, 401, { "www-authenticate": `Bearer realm="http://${storage.host}/token"` });
      return true;
    };
    await expect(storeAt(registry.host, { credentials: ANN }).exists(blob)).rejects.toMatchObject({
      code: "UNAUTHORIZED",
    });
    expect(storage.seen.length).toBe(1);
    expect(storage.seen[0]?.headers.authorization).toBeUndefined();
  });

  it.each([
    ["in a circle", (url: string): string => url, /more than 5 times/],
    ["to no address", (): string => "gopher://elsewhere", /no HTTP address/],
  ])("%s is not followed", async (_, target, message) => {
    const registry = await start();
    registry.intercept = ({ url = "" }, response) => {
      if (!url.includes("/blobs/")) return false;
      send(response, 302, { location: target(url) });
      return true;
    };
    await expect(storeAt(registry.host).exists(blob)).rejects.toMatchObject({
      code: "BAD_RESPONSE",
      message: expect.stringMatching(message) as string,
    });
    expect(registry.log.length).toBeLessThan(8);
  });

  it("with what changes something is not followed", async () => {
    const registry = await start();
    registry.intercept = ({ method }, response) => {
      if (method !== "POST") return false;
      send(response, 307, { location: "/elsewhere" });
      return true;
    };
    await expect(storeAt(registry.host).push(blob, bytesOnce(bytes))).rejects.toThrow(/redirects a POST/);
  });

  it("sends uploads to another host without its credentials", async () => {
    const [registry, storage] = [await start({ auth: "bearer" }), await start()];
    storage.uploads.set("u", []);
    registry.intercept = ({ method }, response) => {
      if (method !== "POST") return false;
      send(response, 202, { location: `http://${storage.host}/v2/x/blobs/uploads/u` });
      return true;
    };
    await storeAt(registry.host, { credentials: ANN }).push(blob, bytesOnce(bytes));
    expect(storage.blobs.size).toBe(1);
    expect(storage.seen.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
  });
});

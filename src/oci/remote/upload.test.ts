import { describe, expect, it } from "vitest";
import { breakUploads, type FakeRegistry, send } from "../../../test/support/fake-registry.ts";
import { noise } from "../../../test/support/random.ts";
import { useRegistries } from "../../../test/support/registry-session.ts";
import { describeBytes } from "../descriptor.ts";
import { MEDIA_TYPE } from "../media-types.ts";
import { bytesOnce } from "../store.ts";

const { start, storeAt } = useRegistries();

const bytes = noise(3 * 1024 * 1024, 2);
const blob = describeBytes(MEDIA_TYPE.layer, bytes);

async function* from(offset: number): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}

function methods(registry: FakeRegistry): string {
  return registry.log.map((line) => line.split(" ")[0]).join(" ");
}

describe("uploadBlob", () => {
  it("sends the whole blob in one request", async () => {
    const registry = await start();
    await storeAt(registry.host).uploadBlob(blob, from);
    expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
    expect(methods(registry)).toBe("POST PUT");
  });

  it("goes on from where the registry has it", async () => {
    const registry = await start();
    breakUploads(registry, 2, 1_000_000);
    let sent = 0;
    await storeAt(registry.host).uploadBlob(blob, from, { onBytes: (count) => void (sent += count) });
    expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
    expect(methods(registry)).toBe("POST PUT GET PATCH GET PATCH PUT");
    expect(
      registry.seen.filter(({ method }) => method === "PATCH").map(({ headers }) => headers["content-range"]),
    ).toEqual([`1000000-${bytes.length - 1}`, `2000000-${bytes.length - 1}`]);
    expect(sent).toBe(bytes.length);
  });

  it("starts anew when the registry has forgotten the upload", async () => {
    const registry = await start();
    breakUploads(registry, 1, 0);
    await storeAt(registry.host).uploadBlob(blob, from);
    expect(registry.blobs.has(blob.digest)).toBe(true);
    expect(methods(registry)).toBe("POST PUT GET HEAD POST PATCH PUT");
  });

  it("notices an upload that has succeeded without a word", async () => {
    const registry = await start();
    registry.intercept = async (request, response) => {
      if (request.method !== "PUT") return false;
      registry.uploads.clear();
      for await (const _ of request);
      registry.addBlob(bytes);
      response.destroy();
      return true;
    };
    await storeAt(registry.host).uploadBlob(blob, from);
    expect(methods(registry)).toBe("POST PUT GET HEAD");
  });

  it("gives up after some tries that bring nothing", async () => {
    const registry = await start();
    breakUploads(registry, Infinity, 10);
    await expect(storeAt(registry.host).uploadBlob(blob, from)).rejects.toMatchObject({ code: "UNREACHABLE" });
  });

  it("sends pieces where a request may not be large, none smaller than wanted", async () => {
    const registry = await start();
    registry.intercept = ({ method, headers, url = "" }, response) => {
      if (method === "POST") {
        registry.uploads.set("u", []);
        send(response, 202, { location: "/v2/team/app/blobs/uploads/u", "oci-chunk-min-length": 1_200_000 });
        return true;
      }
      if (Number(headers["content-length"] ?? 0) <= 1_500_000 || !url.includes("digest")) return false;
      send(response, 413, { connection: "close" });
      return true;
    };
    await storeAt(registry.host, {}, { limits: { chunkBytes: 1_000_000 } }).uploadBlob(blob, from);
    const patches = registry.seen.filter(({ method }) => method === "PATCH");
    expect(patches.map(({ headers }) => headers["content-length"])).toEqual(["1200000", "1200000", "745728"]);
    expect(registry.blobs.has(blob.digest)).toBe(true);
  });

  it("never completes an upload of wrong bytes", async () => {
    const registry = await start();
    const store = storeAt(registry.host);
    const wrong = async function* (offset: number): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(bytes.length - offset);
    };
    await expect(store.uploadBlob(blob, wrong)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    await expect(store.push(blob, wrong(0))).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 100);
      throw new Error("the disk is gone");
    };
    await expect(store.push(blob, failing())).rejects.toThrow("the disk is gone");
    expect(registry.blobs.size).toBe(0);
  });

  it("gives up a registry that takes nothing, or never answers", async () => {
    const registry = await start();
    registry.intercept = ({ method }) => method === "PUT";
    const large = noise(24 * 1024 * 1024, 4);
    const limits = { stallMs: 80, attempts: 1 };
    const push = (bytes: Buffer, more: object): Promise<void> =>
      storeAt(registry.host, {}, { limits: { ...limits, ...more } }).push(
        describeBytes(MEDIA_TYPE.layer, bytes),
        bytesOnce(bytes),
      );
    await expect(push(large, {})).rejects.toThrow(/takes no data for 0.08 s/);
    await expect(push(bytes.subarray(0, 100), { commitMs: 80 })).rejects.toThrow(/does not answer for 0.08 s/);
  });
});

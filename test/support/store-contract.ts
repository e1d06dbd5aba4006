/** What every Store must do; each kind of store runs it: `describeStore("memory", () => …)`. */
import { describe, expect, it } from "vitest";
import {
  describeBytes,
  formatManifest,
  MEDIA_TYPE,
  pushBytes,
  type Descriptor,
  type Store,
} from "../../src/oci/index.ts";
import { bytesOnce, fetchDocument } from "../../src/oci/store.ts";

const hello = Buffer.from("hello");
const helloBlob = describeBytes(MEDIA_TYPE.layer, hello);

/** An image of one layer whose manifest has its own digest for each `author`. */
export async function pushImage(store: Store, author: string): Promise<Descriptor> {
  await pushBytes(store, helloBlob, hello);
  const config = Buffer.from(JSON.stringify({ author, rootfs: { type: "layers", diff_ids: [] } }));
  const configBlob = describeBytes(MEDIA_TYPE.config, config);
  await pushBytes(store, configBlob, config);
  const manifest = formatManifest({
    mediaType: MEDIA_TYPE.manifest,
    config: configBlob,
    layers: [helloBlob],
    annotations: {},
  });
  const descriptor = describeBytes(MEDIA_TYPE.manifest, manifest);
  await pushBytes(store, descriptor, manifest);
  return descriptor;
}

/** `open` gives an empty store each time. */
export function describeStore(name: string, open: () => Promise<Store>): void {
  describe(`${name} as a store`, () => {
    it("keeps what is pushed and gives it back", async () => {
      const store = await open();
      expect(await store.exists(helloBlob)).toBe(false);
      await store.push(helloBlob, bytesOnce(hello));
      expect(await store.exists(helloBlob)).toBe(true);
      expect(Buffer.from(await fetchDocument(store, helloBlob)).toString()).toBe("hello");
    });

    it("keeps blobs of no bytes and of several chunks", async () => {
      const store = await open();
      const empty = describeBytes(MEDIA_TYPE.layer, Buffer.alloc(0));
      await store.push(empty, bytesOnce(Buffer.alloc(0)));
      expect((await fetchDocument(store, empty)).length).toBe(0);
      const chunks = Array.from({ length: 40 }, (_, index) => Buffer.alloc(50_000, index));
      const large = describeBytes(MEDIA_TYPE.layer, Buffer.concat(chunks));
      await store.push(
        large,
        (async function* each() {
          yield* chunks;
        })(),
      );
      expect(Buffer.concat(chunks).equals(await fetchDocument(store, large))).toBe(true);
    });

    it("refuses bytes that are not what the descriptor says, and keeps nothing", async () => {
      const store = await open();
      await expect(store.push(helloBlob, bytesOnce(Buffer.from("hellO")))).rejects.toMatchObject({
        code: "DIGEST_MISMATCH",
      });
      await expect(store.push(helloBlob, bytesOnce(Buffer.from("hell")))).rejects.toMatchObject({
        code: "SIZE_MISMATCH",
      });
      await expect(store.push(helloBlob, bytesOnce(Buffer.from("hello!")))).rejects.toMatchObject({
        code: "SIZE_MISMATCH",
      });
      expect(await store.exists(helloBlob)).toBe(false);
      await expect(fetchDocument(store, helloBlob)).rejects.toMatchObject({ code: "NOT_FOUND" });
    });

    it("resolves, lists and forgets names", async () => {
      const store = await open();
      await expect(store.resolve("a")).rejects.toMatchObject({ code: "NOT_FOUND" });
      const [one, other] = [await pushImage(store, "one"), await pushImage(store, "other")];
      await store.tag(one, "a");
      expect(await store.resolve("a")).toMatchObject(one);
      expect((await store.resolve()).digest).toBe(one.digest);
      await store.tag(one, "b");
      await store.tag(other, "a");
      expect((await store.resolve("a")).digest).toBe(other.digest);
      expect((await store.resolve(other.digest)).digest).toBe(other.digest);
      await expect(store.resolve()).rejects.toMatchObject({ code: "AMBIGUOUS" });
      expect(new Set((await store.list()).map((entry) => entry.name))).toEqual(new Set(["a", "b"]));
      await store.delete("a");
      await expect(store.delete("a")).rejects.toMatchObject({ code: "NOT_FOUND" });
      expect((await store.resolve()).digest).toBe(one.digest);
    });
  });
}

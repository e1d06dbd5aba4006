import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pushImage } from "../../test/support/store-contract.ts";
import { copyImage } from "./copy.ts";
import type { Descriptor } from "./descriptor.ts";
import { openDestination } from "./destination.ts";
import { OciError } from "./error.ts";
import { PULLED_FROM } from "./local-store.ts";
import { MemoryStore } from "./memory/store.ts";
import { locate, type Located, type Places } from "./open-reference.ts";
import { formatImageName, parseReference, withDefaults } from "./reference.ts";

let directory: string;
let images: MemoryStore;
let remote: Map<string, MemoryStore>;
let places: Places;
let image: Descriptor;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "slipway-names-"));
  images = new MemoryStore();
  remote = new Map();
  places = {
    images,
    registry: ({ registry, repository }) => {
      const store = remote.get(`${registry}/${repository}`) ?? new MemoryStore();
      remote.set(`${registry}/${repository}`, store);
      return Promise.resolve(store);
    },
    shortNameCandidates: (name) =>
      name.repository === "known"
        ? Promise.resolve([{ ...name, registry: "alias.example", repository: "team/known" }])
        : name.repository === "several"
          ? Promise.resolve(["a.example", "b.example", "c.example"].map((registry) => ({ ...name, registry })))
          : Promise.reject(new OciError("NOT_FOUND", "neither here nor there")),
  };
  image = await pushImage(images, "one");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function find(text: string): Promise<Located> {
  return locate(parseReference(text), places);
}

describe("locate", () => {
  it.each([
    ["os", "localhost/os:latest"],
    ["localhost/os", "localhost/os:latest"],
    ["os:1", "localhost/os:1"],
    ["known:1", "alias.example/team/known:1"],
    ["team/known:1", "alias.example/team/known:1"],
    ["h.example/os", "h.example/os:latest"],
  ])("finds %s in the local store as %s", async (text, name) => {
    await images.tag(image, name);
    expect(await find(text)).toMatchObject({ store: images, name, isLocal: true });
  });

  it("prefers the name that this machine gave", async () => {
    const other = await pushImage(images, "other");
    await images.tag(other, "h.example/os:1");
    await images.tag(image, "localhost/os:1");
    expect((await find("os:1")).name).toBe("localhost/os:1");
    await images.delete("localhost/os:1");
    await images.tag(image, "g.example/os:1");
    await expect(find("os:1")).rejects.toMatchObject({ code: "AMBIGUOUS" });
  });

  it("finds an image by name and digest", async () => {
    await images.tag(image, "h.example/os:1");
    expect((await find(`h.example/os@${image.digest}`)).name).toBe("h.example/os:1");
    expect((await find(`h.example/other@${image.digest}`)).isLocal).toBe(false);
  });

  it("knows where an image was pulled from", async () => {
    await images.tag({ ...image, annotations: { [PULLED_FROM]: "h.example/os:1" } }, "localhost/mine:latest");
    expect((await find("mine")).registryName).toEqual({ registry: "h.example", repository: "os", tag: "1" });
  });

  it.each([
    ["docker://h.example/os:1", "h.example/os", "1", "h.example/os:1"],
    ["h.example/os", "h.example/os", "latest", "h.example/os:latest"],
    ["known:2", "alias.example/team/known", "2", "alias.example/team/known:2"],
    ["docker://debian", "docker.io/library/debian", "latest", "docker.io/library/debian:latest"],
  ])("looks for %s at %s", async (text, repository, name, full) => {
    const found = await find(text);
    expect(found.store).toBe(remote.get(repository));
    expect(found).toMatchObject({ name, isLocal: false });
    expect(formatImageName(withDefaults(found.registryName ?? { repository: "" }))).toBe(full);
  });

  it("goes through the registries that a short name may be at, until one has it", async () => {
    await expect(find("several:1")).rejects.toThrow(/anywhere: a\.example\/several:1: .*; b\.example.*; c\.example/);
    for (const [registry, name] of [
      ["c.example", "1"],
      ["b.example", "1"],
      ["a.example", "latest"],
    ]) {
      await remote.get(`${registry}/several`)?.tag(image, name ?? "");
      expect((await find(`several:${name}`)).registryName).toEqual({ registry, repository: "several", tag: name });
    }
  });

  it("goes by the digest when there is a tag too", async () => {
    expect((await find(`docker://h.example/os:1@${image.digest}`)).name).toBe(image.digest);
  });

  it("asks no registry for names of this machine, and none where there is none", async () => {
    await expect(find("localhost/os")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(find("unknown")).rejects.toThrow("neither here nor there");
    await expect(locate(parseReference("h.example/os"), { images })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(locate(parseReference("docker://h.example/os"), { images })).rejects.toMatchObject({
      code: "UNSUPPORTED",
    });
  });

  it.each(["oci:", "oci-archive:", "docker-archive:", "dir:"])(
    "says that there is nothing at %s",
    async (transport) => {
      await expect(find(`${transport}${join(directory, "absent")}`)).rejects.toMatchObject({ code: "NOT_FOUND" });
    },
  );
});

describe("openDestination", () => {
  it.each([
    "oci:D/x:1",
    "oci:D/x",
    "oci-archive:D/x:1",
    "oci-archive:D/x",
    "dir:D/x",
    "store/x:1",
    "docker://h.example/x:1",
  ])("writes %s, where it is found again", async (text) => {
    const reference = parseReference(text.replace("D", directory));
    await using target = await openDestination(reference, places);
    const copied = await copyImage(images, image, target.store, undefined);
    await target.publish(copied);
    await using found = await locate(reference, places);
    expect((await found.store.resolve(found.name)).digest).toBe(image.digest);
  });

  it("leaves nothing of an archive that was not published", async () => {
    const path = join(directory, "a.tar");
    {
      await using target = await openDestination(parseReference(`oci-archive:${path}`), places);
      await copyImage(images, image, target.store, undefined);
    }
    expect(existsSync(path)).toBe(false);
  });

  it.each(["docker://h.example/x", "store/x"])("lets no digest of %s stand for another image", async (name) => {
    await using target = await openDestination(parseReference(`${name}@sha256:${"a".repeat(64)}`), places);
    await expect(target.publish(image)).rejects.toMatchObject({ code: "BAD_REFERENCE" });
  });

  it("lets the digest of an index stand for the image that was chosen from it", async () => {
    const reference = parseReference(`store/x@sha256:${"a".repeat(64)}`);
    await using target = await openDestination(reference, places);
    await target.publish(image, { ...image, digest: `sha256:${"a".repeat(64)}` as const });
    await using found = await locate(reference, places);
    expect((await found.store.resolve(found.name)).digest).toBe(image.digest);
  });
});

/** Our registry client against registries that are real: Debian's docker-registry, and our own, also killed in between. */
import { setTimeout as sleep } from "node:timers/promises";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashSync } from "bcryptjs";
import { afterEach, describe, expect, test } from "vitest";
import {
  copyImage,
  describeBytes,
  formatManifest,
  LayoutStore,
  MEDIA_TYPE,
  MemoryStore,
  pushBytes,
} from "../../src/oci/index.ts";
import { RegistryStore } from "../../src/oci/remote/index.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { localRegistry } from "../support/local-registry.ts";
import { noise } from "../support/random.ts";
import { serveRegistry } from "../support/registry.ts";
import { openSession, useRegistries } from "../support/registry-session.ts";
import { describeStore, pushImage } from "../support/store-contract.ts";
import { oracle, run, tempDir } from "../support/tools.ts";

const ANN = { username: "ann", password: "s3cret: with colon" };

/** docker-registry with one user. */
function dockerRegistry(directory: string): Promise<DockerRegistry> {
  const htpasswd = join(directory, "htpasswd");
  writeFileSync(htpasswd, `${ANN.username}:${hashSync(ANN.password, 4)}\n`);
  return startDockerRegistry(directory, htpasswd);
}

describe("the client and docker-registry", () => {
  oracle(
    ["docker-registry", "skopeo"],
    "pushes, mounts, lists, pulls and deletes with a password; skopeo sees the same digest",
    async () => {
      using folder = tempDir();
      await using registry = await dockerRegistry(folder.path);
      await using session = openSession({ credentials: ANN });
      await using nobody = openSession();
      const at = { registry: registry.host, repository: "team/os" };
      const store = RegistryStore.open(at, session);
      const blob = describeBytes(MEDIA_TYPE.layer, Buffer.from("x"));
      await expect(RegistryStore.open(at, nobody).exists(blob)).rejects.toMatchObject({ code: "UNAUTHORIZED" });

      const local = new MemoryStore();
      const image = await pushImage(local, "a");
      await copyImage(local, image, store, "1");
      const large = noise(5_000_000, 1);
      const layer = describeBytes(MEDIA_TYPE.layer, large);
      await store.uploadBlob(layer, async function* (offset) {
        yield large.subarray(offset);
      });
      const other = RegistryStore.open({ ...at, repository: "team/other" }, session);
      expect(await other.mount(layer, "team/os")).toBe(true);
      expect(Buffer.concat(await Array.fromAsync(other.fetch(layer))).equals(large)).toBe(true);
      const back = new MemoryStore();
      await copyImage(store, await store.resolve("1"), back, "1");
      expect((await back.resolve("1")).digest).toBe(image.digest);
      const credentials = ["--creds", `${ANN.username}:${ANN.password}`, "--tls-verify=false"];
      const { stdout } = await run("skopeo", [
        "inspect",
        ...credentials,
        "--raw",
        `docker://${registry.host}/team/os:1`,
      ]);
      expect(describeBytes(image.mediaType, Buffer.from(stdout)).digest).toBe(image.digest);

      // It has no referrers API: we keep the index under the tag.
      const signature = formatManifest({
        mediaType: MEDIA_TYPE.manifest,
        artifactType: "application/x.test",
        config: describeBytes(MEDIA_TYPE.empty, Buffer.from("{}")),
        layers: [],
        subject: image,
        annotations: {},
      });
      await pushBytes(store, describeBytes(MEDIA_TYPE.empty, Buffer.from("{}")), Buffer.from("{}"));
      await pushBytes(store, describeBytes(MEDIA_TYPE.manifest, signature), signature);
      expect(await store.referrers(image.digest)).toMatchObject([{ artifactType: "application/x.test" }]);
      expect(await Array.fromAsync(store.tags())).toEqual([image.digest.replace(":", "-"), "1"]);
      await store.deleteManifest(image.digest);
      await expect(store.resolve("1")).rejects.toMatchObject({ code: "NOT_FOUND" });
      await store.deleteBlob(layer.digest);
      expect(await store.exists(layer)).toBe(false);
    },
    { proves: "our client speaks with the registry that most people run" },
  );
});

describe("the client and our registry", () => {
  const { storeAt } = useRegistries();
  const open: AsyncDisposable[] = [];
  afterEach(async () => {
    for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
  });

  describeStore("our registry", async () => {
    const registry = await localRegistry({ anonymousRead: true, anonymousWrite: true });
    open.push(registry);
    return storeAt(new URL(registry.registry.url).host);
  });

  /** On a busy machine our registry takes seconds to start. */
  const PATIENT = { firstDelayMs: 100, maxDelayMs: 400, attempts: 60, firstAttempts: 60 };

  test("an image is pushed and pulled while the registry is killed again and again", async () => {
    using folder = tempDir();
    let server = await serveRegistry(folder.join("registry"), ["--no-log"]);
    await using session = openSession({}, { limits: PATIENT });
    const store = RegistryStore.open({ registry: server.host, repository: "team/os" }, session);
    const local = await LayoutStore.create(folder.join("layout"));
    const layers = [1, 2, 3, 4].map((seed) => noise(24_000_000, seed));
    const descriptors = layers.map((bytes) => describeBytes(MEDIA_TYPE.layer, bytes));
    for (const [index, descriptor] of descriptors.entries())
      await pushBytes(local, descriptor, layers[index] as Buffer);
    const config = Buffer.from('{"rootfs":{"type":"layers","diff_ids":[]}}');
    await pushBytes(local, describeBytes(MEDIA_TYPE.config, config), config);
    const manifest = formatManifest({
      mediaType: MEDIA_TYPE.manifest,
      config: describeBytes(MEDIA_TYPE.config, config),
      layers: descriptors,
      annotations: {},
    });
    const image = describeBytes(MEDIA_TYPE.manifest, manifest);
    await pushBytes(local, image, manifest);

    let isOver = false;
    const killing = (async () => {
      for (let kills = 0; kills < 3 && !isOver; kills++) {
        await sleep(400);
        await server.end("SIGKILL");
        await server.end("SIGKILL");
        server = await serveRegistry(folder.join("registry"), ["--no-log"], Number(server.host.split(":")[1]));
      }
    })();
    try {
      await copyImage(local, image, store, "1");
      const back = await LayoutStore.create(folder.join("back"));
      await copyImage(store, await store.resolve("1"), back, "1");
      expect((await back.resolve("1")).digest).toBe(image.digest);
    } finally {
      isOver = true;
      await killing;
      await server.end("SIGKILL");
    }
  });
});

/** What belongs to images, signatures and referrers, as the commands take it along; against a small registry in memory. */
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeRegistry } from "../support/fake-registry.ts";
import { type JsonDescriptor, nameImage, putBlob, putJson, readIndex } from "../support/layout.ts";
import { TINY_SYSTEM, tarOf, tinyImage } from "../support/tiny-image.ts";
import { NO_PROGRESS } from "../../src/base/progress.ts";
import {
  copyAttached,
  describeBytes,
  type Descriptor,
  fetchDocument,
  LayoutStore,
  MEDIA_TYPE,
  MemoryStore,
  parseImageIndex,
  parseManifest,
  pushBytes,
  type Signer,
  signImage,
} from "../../src/oci/index.ts";
import type { Context } from "../../src/cli/context.ts";
import { copy } from "../../src/cli/commands/image/copy.ts";
import { prune } from "../../src/cli/commands/image/prune.ts";
import { pull } from "../../src/cli/commands/image/pull.ts";
import { manifestCreate } from "../../src/cli/commands/manifest/create.ts";
import { manifestPush } from "../../src/cli/commands/manifest/push.ts";
import { openSystemImage } from "../../src/cli/system-image.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const SIGNER: Signer = { privateKey, publicKey: { key: publicKey, source: "alice.pub" } };
const KEY_DATA = Buffer.from(publicKey.export({ type: "spki", format: "pem" })).toString("base64");

let root: string;
let registry: FakeRegistry;
let store: string;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "slipway-copy-"));
  store = join(root, "store");
  registry = await FakeRegistry.start();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

const context = (): Context => ({
  env: { HOME: root, XDG_RUNTIME_DIR: root, CONTAINERS_REGISTRIES_CONF: "/dev/null" },
  stdout: () => undefined,
  stderr: () => undefined,
  progress: NO_PROGRESS,
  json: false,
  storePath: store,
  signal: new AbortController().signal,
});
const options = (): Record<string, unknown> => ({ tlsVerify: false, policy: join(root, "policy.json") });

/** Everywhere a signature of the repository is wanted. */
function writePolicy(): void {
  const signedIdentity = { type: "exactRepository", dockerRepository: `${registry.host}/team/os` };
  const signed = [{ type: "sigstoreSigned", keyData: KEY_DATA, signedIdentity }];
  const transports = { "containers-storage": { "": signed } };
  writeFileSync(join(root, "policy.json"), JSON.stringify({ default: signed, transports }));
}

/** A layout with a list of two images; the list alone is signed. */
async function signedList(): Promise<string> {
  const layout = join(root, "layout");
  const manifests = ["amd64", "arm64"].map((architecture) => {
    tinyImage(layout, [TINY_SYSTEM], { architecture });
    const { mediaType, digest, size } = readIndex(layout).manifests[0] as JsonDescriptor;
    return { mediaType, digest, size, platform: { os: "linux", architecture } };
  });
  nameImage(layout, putJson(layout, MEDIA_TYPE.index, { schemaVersion: 2, manifests }), "1");
  const images = await LayoutStore.open(layout);
  const identity = `${registry.host}/team/os:1`;
  await signImage(images, await images.resolve("1"), { signer: SIGNER, identity, forms: ["simple", "bundle"] });
  return `oci:${layout}:1`;
}

/** In the layout, each member of the list has an SBOM that is signed, and the names that cosign gives to more. */
async function attachToMembers(): Promise<readonly string[]> {
  const layout = join(root, "layout");
  const images = await LayoutStore.open(layout);
  const list = await images.resolve("1");
  const members = parseImageIndex(await fetchDocument(images, list), "list").manifests;
  for (const member of members) {
    const { mediaType, digest, sizeBytes: size } = member;
    const [config, blob] = ["{}", `SBOM of ${digest}`].map((text) => putBlob(layout, "text/plain", Buffer.from(text)));
    const manifest = { schemaVersion: 2, artifactType: "text/sbom", config, layers: [blob] };
    const sbom = putJson(layout, MEDIA_TYPE.manifest, { ...manifest, subject: { mediaType, digest, size } });
    const plain = putJson(layout, MEDIA_TYPE.manifest, manifest);
    const referrer = { mediaType: MEDIA_TYPE.manifest, digest: sbom.digest, sizeBytes: sbom.size } as Descriptor;
    await images.addUnnamed(referrer);
    await signImage(images, referrer, { signer: SIGNER, identity: "a.example/sbom", forms: ["simple", "bundle"] });
    const named = { mediaType: MEDIA_TYPE.manifest, digest: plain.digest, sizeBytes: plain.size } as Descriptor;
    for (const suffix of ["att", "sbom"]) await images.tag(named, `${digest.replace(":", "-")}.${suffix}`);
  }
  return members.map(({ digest }) => digest.replace(":", "-"));
}

describe("what refers to an image", () => {
  it("travels when it is asked for, from place to place, with what refers to it in turn", async () => {
    writePolicy();
    const places = [
      await signedList(),
      `docker://${registry.host}/team/os:1`,
      "localhost/os:1",
      `oci:${join(root, "out")}:1`,
    ];
    const members = await attachToMembers();
    const sboms = members.map((member) => `SBOM of ${member.replace("-", ":")}`);
    for (const [at, to] of places.slice(1).entries())
      await copy(context(), [places[at] ?? "", to], { ...options(), all: true, referrers: true });
    const out = await LayoutStore.open(join(root, "out"));
    const found: string[] = [];
    for (const member of members) {
      for (const suffix of ["att", "sbom"]) expect(await out.resolve(`${member}.${suffix}`)).toBeDefined();
      const [sbom] = parseImageIndex(await fetchDocument(out, await out.resolve(member)), "referrers").manifests;
      if (sbom === undefined) throw new Error("no referrer");
      expect(sbom.artifactType).toBe("text/sbom");
      const [layer] = parseManifest(await fetchDocument(out, sbom), "sbom").layers;
      if (layer !== undefined) found.push(Buffer.from(await fetchDocument(out, layer)).toString());
      const name = sbom.digest.replace(":", "-");
      expect(await out.resolve(`${name}.sig`)).toBeDefined();
      expect(parseImageIndex(await fetchDocument(out, await out.resolve(name)), "referrers").manifests).toHaveLength(1);
    }
    expect(found).toEqual(sboms);
    const kept = readIndex(store).manifests.length;
    await prune(context(), [], { yes: true });
    expect(readIndex(store).manifests.length).toBe(kept);
  });

  it("stays behind otherwise, and has no place in an archive", async () => {
    const layout = await signedList();
    const [member = ""] = await attachToMembers();
    await copy(context(), [layout, `oci:${join(root, "out")}:1`], { all: true });
    const out = await LayoutStore.open(join(root, "out"));
    for (const name of [member, `${member}.att`])
      await expect(out.resolve(name)).rejects.toMatchObject({ code: "NOT_FOUND" });
    const archive = copy(context(), [layout, `oci-archive:${join(root, "a.tar")}`], { all: true, referrers: true });
    await expect(archive).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  it("is refused when there is too much of it", async () => {
    const images = new MemoryStore();
    const image = describeBytes(MEDIA_TYPE.manifest, Buffer.from("image"));
    const push = (mediaType: string, document: object): Promise<Descriptor> => {
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, ...document }));
      const descriptor = describeBytes(mediaType, bytes);
      return pushBytes(images, descriptor, bytes).then(() => descriptor);
    };
    const { mediaType, digest, sizeBytes: size } = image;
    const config = { mediaType: MEDIA_TYPE.empty, digest, size: 2 ** 31 };
    const big = await push(MEDIA_TYPE.manifest, { config, layers: [], subject: { mediaType, digest, size } });
    const many = Array.from({ length: 1001 }, (_, at) => ({
      ...describeBytes(MEDIA_TYPE.manifest, Buffer.from(String(at))),
      size: 1,
    }));
    for (const [manifests, found] of [
      [[{ ...big, size: big.sizeBytes }], /more than 1073741824 bytes/],
      [many, /1001 manifests may refer/],
    ] as const) {
      await images.tag(await push(MEDIA_TYPE.index, { manifests }), digest.replace(":", "-"));
      const copied = copyAttached(images, image, new MemoryStore(), { referrers: true });
      await expect(copied).rejects.toThrow(found);
    }
  });
});

describe("a list that is made here", () => {
  it("takes its signatures and those of its images along when it is pushed", async () => {
    const name = `${registry.host}/team/os:1`;
    await copy(context(), [await signedList(), `docker://${name}`], { tlsVerify: false, all: true });
    const images = await LayoutStore.open(join(root, "layout"));
    const { manifests } = parseImageIndex(await fetchDocument(images, await images.resolve("1")), "list");
    await pull(context(), [name], { tlsVerify: false, platform: "linux/arm64" });
    await manifestCreate(context(), ["mine:1", name], {});
    const local = await LayoutStore.open(store);
    const signed = [await local.resolve("localhost/mine:1"), manifests[1] as Descriptor];
    for (const image of signed) await signImage(local, image, { signer: SIGNER, identity: name, forms: ["simple"] });
    await manifestPush(context(), ["mine:1", `docker://${registry.host}/other/os:1`], { tlsVerify: false });
    for (const { digest } of signed) expect(registry.tags.has(`${digest.replace(":", "-")}.sig`)).toBe(true);
  });
});

describe("registries.d that turns attachments off", () => {
  it("lets images count as unsigned, and nothing be signed", async () => {
    const name = `${registry.host}/team/os:1`;
    await copy(context(), [await signedList(), `docker://${name}`], { tlsVerify: false, all: true });
    writePolicy();
    await pull(context(), [name], options());
    const directory = join(root, ".config/containers/registries.d");
    mkdirSync(directory, { recursive: true });
    const section = { "use-sigstore-attachments": false };
    writeFileSync(join(directory, "os.yaml"), JSON.stringify({ docker: { [`${registry.host}/team`]: section } }));
    await expect(pull(context(), [name], options())).rejects.toMatchObject({ code: "REFUSED" });
    const again = copy(context(), [`oci:${join(root, "layout")}:1`, `docker://${name}`], {
      tlsVerify: false,
      all: true,
    });
    await expect(again).rejects.toThrow(/cannot write sha256-.*\.sig of .*registries\.d has/);
  });
});

describe("one image out of a signed list", () => {
  it("is allowed by the same policy wherever it is copied, also after a prune", async () => {
    writePolicy();
    const name = `${registry.host}/team/os:1`;
    await copy(context(), [await signedList(), `docker://${name}`], { ...options(), all: true });
    await pull(context(), [name], { ...options(), platform: "linux/arm64" });
    await prune(context(), [], { yes: true });
    const layout = `oci:${join(root, "out")}`;
    for (const [from = "", to = ""] of [
      [name, `${layout}:a`],
      [`${layout}:a`, layout],
      [`${layout}:a`, "localhost/again:1"],
      ["localhost/again:1", `oci:${join(root, "last")}`],
    ])
      expect((await copy(context(), [from, to], options())).data).toMatchObject({ destination: to });
    await using image = await openSystemImage(context(), name, options());
    expect(image.architecture).toBe("arm64");
  });

  it("is refused when its index does not name it, and when it says nothing of an index", async () => {
    writePolicy();
    await copy(context(), [await signedList(), `oci:${join(root, "out")}:1`], {
      ...options(),
      platform: "linux/amd64",
    });
    const layout = join(root, "out");
    const { manifests } = readIndex(layout);
    const isImage = ({ annotations }: JsonDescriptor): boolean =>
      annotations?.["dev.slipway.chosen-from"] !== undefined;
    const image = tinyImage(layout, [[{ path: "other" }]], { tag: "1" });
    const foreign = readIndex(layout).manifests[0] as JsonDescriptor;
    for (const entry of [{ ...foreign, annotations: manifests.find(isImage)?.annotations }, foreign]) {
      const index = { schemaVersion: 2, manifests: [entry, ...manifests.filter((each) => !isImage(each))] };
      writeFileSync(join(layout, "index.json"), JSON.stringify(index));
      await expect(copy(context(), [image, "localhost/x"], options())).rejects.toMatchObject({ code: "REFUSED" });
    }
  });

  it("takes nothing of a list along that is not signed", async () => {
    const layout = await signedList();
    const unsigned = { ...(await (await LayoutStore.open(join(root, "layout"))).resolve("1")) };
    nameImage(
      join(root, "layout"),
      { mediaType: unsigned.mediaType, digest: unsigned.digest, size: unsigned.sizeBytes },
      "1",
    );
    await copy(context(), [layout, "localhost/os:1"], { platform: "linux/amd64" });
    expect(readFileSync(join(store, "index.json"), "utf8")).not.toContain("chosen-from");
  });
});

describe("a tar of a signed layout", () => {
  it("is read with its signatures", async () => {
    writePolicy();
    await signedList();
    const tar = join(root, "layout.tar");
    const files = readdirSync(join(root, "layout"), { recursive: true, encoding: "utf8", withFileTypes: true });
    const items = files
      .filter((file) => file.isFile())
      .map((file) => join(file.parentPath, file.name))
      .map((path) => ({ path: `./${relative(join(root, "layout"), path)}`, data: readFileSync(path) }));
    writeFileSync(tar, tarOf(items));
    await copy(context(), [`oci-archive:${tar}:1`, "localhost/os:1"], options());
    await copy(context(), ["localhost/os:1", "localhost/again:1"], options());
  });
});

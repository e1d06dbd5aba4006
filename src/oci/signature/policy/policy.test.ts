import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeBytes, type Descriptor } from "../../descriptor.ts";
import { MEDIA_TYPE } from "../../media-types.ts";
import { MemoryStore } from "../../memory/store.ts";
import { parseReference, type Reference } from "../../reference.ts";
import { pushBytes } from "../../store.ts";
import { signImage } from "../attach.ts";
import type { Signer } from "../private-key.ts";
import { assertAllowed } from "./evaluate.ts";
import { loadPolicy } from "./load.ts";
import { parsePolicy, type Policy } from "./policy.ts";
import { policyPlace } from "./scopes.ts";

const ACCEPT = { type: "insecureAcceptAnything" };
const REJECT = { type: "reject" };
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const SIGNER: Signer = { privateKey, publicKey: { key: publicKey, source: "test" } };
const PEM = publicKey.export({ type: "spki", format: "pem" }).toString();
const KEY_DATA = Buffer.from(PEM).toString("base64");
const OTHER = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();
const OTHER_DATA = Buffer.from(OTHER).toString("base64");
const SIGNED = { type: "sigstoreSigned", keyData: KEY_DATA };

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "slipway-policy-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const policyOf = (json: unknown): Policy =>
  parsePolicy(Buffer.from(typeof json === "string" ? json : JSON.stringify(json)), "policy.json");

describe("a policy that is not as the format has it", () => {
  it.each<[unknown, RegExp]>([
    ["", /JSON/],
    ["[]", /found \[\], wanted an object|wanted an object/],
    [{}, /at default, wanted a list/],
    [{ default: [] }, /default is an empty list/],
    [{ default: [ACCEPT], extra: 1 }, /policy has extra, which is unknown/],
    ['{"default":[{"type":"reject"}],"default":[{"type":"insecureAcceptAnything"}]}', /"default" twice/],
    ['{"default":[{"type":"reject","t\\u0079pe":"insecureAcceptAnything"}]}', /"type" twice/],
    [{ default: [{ type: "accept" }] }, /no known requirement/],
    [{ default: [{}] }, /default\[0\]\.type is missing/],
    [{ default: [null] }, /wanted an object/],
    [{ default: [{ ...ACCEPT, keyPath: "/x" }] }, /has keyPath, which is unknown/],
    [{ default: [ACCEPT], transports: { docker: { x: [] } } }, /docker\["x"\] is an empty list/],
    [{ default: [ACCEPT], transports: { docker: [] } }, /wanted an object/],
    [{ default: [ACCEPT], transports: { oci: { "/": [REJECT] } } }, /absolute path/],
    [{ default: [ACCEPT], transports: { dir: { "a/b": [REJECT] } } }, /absolute path/],
    [{ default: [ACCEPT], transports: { oci: { "/a/../b": [REJECT] } } }, /absolute path/],
    [{ default: [ACCEPT], transports: { "docker-archive": { "/a": [REJECT] } } }, /only the scope ""/],
    [{ default: [{ type: "sigstoreSigned" }] }, /has no key, wanted is exactly one/],
    [{ default: [{ ...SIGNED, keyPath: "/k" }] }, /has keyPath, keyData/],
    [{ default: [{ type: "sigstoreSigned", keyData: "?" }] }, /keyData is not base64/],
    [{ default: [{ type: "sigstoreSigned", keyPaths: [] }] }, /keyPaths is an empty list/],
    [{ default: [{ type: "sigstoreSigned", keyPath: 1 }] }, /keyPath is 1, wanted is a text/],
    [{ default: [{ ...SIGNED, signedIdentity: { type: "matchAll" } }] }, /no known rule/],
    [{ default: [{ ...SIGNED, signedIdentity: { type: "exactReference", dockerReference: "a.b/c" } }] }, /neither tag/],
    [{ default: [{ ...SIGNED, signedIdentity: { type: "exactRepository", dockerRepository: "A" } }] }, /no image name/],
    [{ default: [{ ...SIGNED, signedIdentity: { type: "remapIdentity", prefix: "a.b" } }] }, /signedPrefix is missing/],
    [{ default: [{ type: "signedBy", key: 1 }] }, /has key, which is unknown/],
    ["[".repeat(100_000), /nested deeper|JSON/],
  ])("is refused as a whole: %j", (json, message) => {
    expect(() => policyOf(json)).toThrow(message);
    expect(() => policyOf(json)).toThrow(/cannot use the signature policy policy\.json: /);
  });
});

describe("scopes", () => {
  const place = async (text: string): Promise<readonly string[] | undefined> =>
    (await policyPlace(parseReference(text), "/store")).scopes;

  it("of a registry go from the name to the wildcards above its host", async () => {
    expect(await place("docker://a.b.example:5000/ns/os:1")).toEqual([
      "a.b.example:5000/ns/os:1",
      "a.b.example:5000/ns/os",
      "a.b.example:5000/ns",
      "a.b.example:5000",
      "*.b.example",
      "*.example",
    ]);
    expect(await place("docker://busybox")).toEqual([
      "docker.io/library/busybox:latest",
      "docker.io/library/busybox",
      "docker.io/library",
      "docker.io",
      "*.io",
    ]);
  });

  it("of a name with tag and digest are those of the digest", async () => {
    const digest = `sha256:${"1".repeat(64)}`;
    expect((await place(`docker://a.example/os:1@${digest}`))?.[0]).toBe(`a.example/os@${digest}`);
  });

  it("of the local store begin with its directory", async () => {
    expect(await place("debian:trixie")).toEqual([
      "[/store]localhost/debian:trixie",
      "[/store]localhost/debian",
      "[/store]localhost",
      "[/store]",
    ]);
  });

  it("of paths are real paths, and the directories above", async () => {
    const real = join(directory, "real");
    mkdirSync(real);
    symlinkSync(real, join(directory, "link"));
    expect((await place(`oci:${join(directory, "link")}:1`))?.slice(0, 2)).toEqual([real, directory]);
    expect((await place(`dir:${real}`))?.at(-1)).toMatch(/^\/[^/]+$/);
    expect(await place("docker-archive:/a/b.tar")).toEqual([]);
  });
});

describe("the decision", () => {
  const decide = async (
    json: unknown,
    text: string,
    image?: Partial<Parameters<typeof assertAllowed>[0]>,
  ): Promise<string> => {
    const reference: Reference = parseReference(text);
    try {
      await assertAllowed(
        { reference, store: new MemoryStore(), descriptor: IMAGE, storeDirectory: "/store", ...image },
        policyOf(json),
      );
      return "allowed";
    } catch (error) {
      expect(error).toMatchObject({ name: "SignatureError", code: "REFUSED" });
      return (error as Error).message;
    }
  };
  const bytes = Buffer.from('{"schemaVersion":2}');
  const IMAGE: Descriptor = describeBytes(MEDIA_TYPE.manifest, bytes);

  it.each<[string, boolean]>([
    ["docker://a.example/os:1", false],
    ["docker://a.example/open/os:1", true],
    ["docker://a.example/open/shut:1", false],
    ["docker://a.example/open/shut:good", true],
    ["docker://x.wild.example/os", true],
    ["docker://wild.example/os", false],
    ["docker://x.wild.example:5000/os", true],
    ["docker://x.strict.wild.example/os", false],
    ["oci:/var/lib/images/a", true],
    ["oci:/var/lib/images/a/b", false],
    ["oci:/var/lib/imagesx", false],
    ["oci-archive:/var/lib/images/a", false],
    ["docker-archive:/x.tar", true],
    ["containers-storage:debian:trixie", false],
    ["debian:trixie", true],
  ])("is the most specific scope's alone: %s", async (text, allowed) => {
    const json = {
      default: [REJECT],
      transports: {
        docker: {
          "": [REJECT],
          "a.example/open": [ACCEPT],
          "a.example/open/shut": [REJECT],
          "a.example/open/shut:good": [ACCEPT],
          "*.wild.example": [ACCEPT],
          "*.strict.wild.example": [REJECT],
        },
        oci: { "/var/lib/images": [ACCEPT], "/var/lib/images/a/b": [REJECT] },
        "docker-archive": { "": [ACCEPT] },
      },
    };
    expect((await decide(json, text)) === "allowed").toBe(allowed);
  });

  it.each<[unknown, RegExp]>([
    [
      { type: "signedBy", keyType: "GPGKeys", keyPath: "/k" },
      /asks for signedBy \(OpenPGP\), which Slipway cannot check/,
    ],
    [{ type: "sigstoreSigned", fulcio: {} }, /sigstoreSigned with fulcio/],
    [{ type: "sigstoreSigned", pki: {} }, /sigstoreSigned with pki/],
    [{ ...SIGNED, rekorPublicKeyPath: "/k" }, /sigstoreSigned with rekorPublicKeyPath/],
    [{ type: "signedBaseLayer", baseLayerIdentity: {} }, /signedBaseLayer/],
    [{ type: "sigstoreSigned", keyPath: "/nonexistent.pub" }, /cannot read the key \/nonexistent.pub: ENOENT/],
    [SIGNED, /it has no signature/],
    [REJECT, /rejects every image/],
  ])("is no for %j", async (requirement, message) => {
    expect(await decide({ default: [ACCEPT, requirement] }, "docker://a.example/os:1")).toMatch(message);
  });

  it("falls on the local store when the policy has a rule for it", async () => {
    const json = (scope: string): unknown => ({
      default: [ACCEPT],
      transports: { "containers-storage": { [scope]: [REJECT] } },
    });
    for (const scope of ["", "[/store]", "[/store]localhost/debian"])
      expect(await decide(json(scope), "debian:trixie")).toMatch(/rejects every image/);
    expect(await decide(json("[overlay@/var/lib/containers/storage]"), "debian:trixie")).toBe("allowed");
  });

  it("is no when it cannot be told which scopes match", async () => {
    const json = { default: [ACCEPT], transports: { "containers-storage": { "[/x]": [REJECT] } } };
    expect(await decide(json, "containers-storage:a.example/os:1")).toMatch(/scopes of the transport/);
    expect(await decide({ default: [ACCEPT] }, "containers-storage:a.example/os:1")).toBe("allowed");
  });

  it("asks for a signature by one of the keys, for this image and this name", async () => {
    const store = new MemoryStore();
    await pushBytes(store, IMAGE, bytes);
    await signImage(store, IMAGE, { signer: SIGNER, identity: "a.example/os:1", forms: ["simple"] });
    writeFileSync(join(directory, "key.pub"), PEM);
    const check = (requirement: object, text = "docker://a.example/os:1"): Promise<string> =>
      decide({ default: [requirement] }, text, { store });
    expect(await check(SIGNED)).toBe("allowed");
    expect(await check({ type: "sigstoreSigned", keyPath: join(directory, "key.pub") })).toBe("allowed");
    expect(await check({ type: "sigstoreSigned", keyDatas: [OTHER_DATA, KEY_DATA] })).toBe("allowed");
    expect(await check({ type: "sigstoreSigned", keyData: OTHER_DATA })).toMatch(
      /it is not by default\[0\]\.keyData, or was changed/,
    );
    expect(await check({ type: "sigstoreSigned", keyPaths: [join(directory, "key.pub"), "/nonexistent"] })).toMatch(
      /ENOENT/,
    );
    expect(await check(SIGNED, "docker://a.example/os:2")).toMatch(
      /made for a\.example\/os:1, wanted is a\.example\/os:2/,
    );
    const anyTag = { ...SIGNED, signedIdentity: { type: "matchRepository" } };
    expect(await check(anyTag, "docker://a.example/os:2")).toBe("allowed");
    expect(await check(SIGNED, "oci:/layout:1")).toMatch(/gives it no name/);
    const exact = { ...SIGNED, signedIdentity: { type: "exactRepository", dockerRepository: "a.example/os" } };
    expect(await check(exact, "oci:/layout:1")).toBe("allowed");
  });

  it("counts a signature of the index for the image chosen from it, and the other way round", async () => {
    const store = new MemoryStore();
    await pushBytes(store, IMAGE, bytes);
    await signImage(store, IMAGE, { signer: SIGNER, identity: "a.example/os:1", forms: ["bundle"] });
    const other = describeBytes(MEDIA_TYPE.index, Buffer.from("other"));
    const text = "docker://a.example/os:1";
    expect(await decide({ default: [SIGNED] }, text, { store, descriptor: other })).toMatch(/no signature/);
    expect(await decide({ default: [SIGNED] }, text, { store, descriptor: other, instance: IMAGE })).toBe("allowed");
    expect(await decide({ default: [SIGNED] }, text, { store, descriptor: IMAGE, instance: other })).toBe("allowed");
  });
});

describe("looking for the policy", () => {
  it("takes the named file, else the user's, else the machine's, else says so and accepts", async () => {
    const [home, systemDirectory] = [join(directory, "home"), join(directory, "etc")];
    const notices: string[] = [];
    const load = (path?: string): Promise<Policy> =>
      loadPolicy({ home, systemDirectory, path, notice: (message) => notices.push(message) });
    expect((await load()).default).toEqual([ACCEPT]);
    expect(notices).toEqual([
      expect.stringMatching(/^no signature policy \(.*policy\.json\): images are accepted unsigned$/),
    ]);
    mkdirSync(systemDirectory);
    writeFileSync(join(systemDirectory, "policy.json"), JSON.stringify({ default: [REJECT] }));
    expect((await load()).default).toEqual([REJECT]);
    mkdirSync(join(home, ".config/containers"), { recursive: true });
    const user = join(home, ".config/containers/policy.json");
    writeFileSync(user, JSON.stringify({ default: [ACCEPT, REJECT] }));
    expect((await load()).source).toBe(user);
    expect((await load(join(systemDirectory, "policy.json"))).default).toEqual([REJECT]);
    await expect(load(join(home, "missing.json"))).rejects.toMatchObject({ code: "BAD_POLICY" });
    writeFileSync(user, "{");
    await expect(load()).rejects.toThrow(`cannot use the signature policy ${user}`);
    expect(notices).toHaveLength(1);
  });

  it("refuses what is there and cannot be read", async () => {
    const home = join(directory, "odd");
    mkdirSync(join(home, ".config/containers/policy.json"), { recursive: true });
    chmodSync(home, 0o755);
    await expect(loadPolicy({ home })).rejects.toMatchObject({
      code: "BAD_POLICY",
      message: expect.stringMatching(/EISDIR/) as string,
    });
  });
});

import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/base/digest.ts";
import { type Descriptor, describeBytes, formatManifest, MEDIA_TYPE } from "../../../src/oci/index.ts";
import { codesOf, type LocalRegistry, localRegistry } from "../../support/local-registry.ts";
import { parseUpstream, type Upstream } from "../../../src/registry/index.ts";

const layer = randomBytes(1_500_000);
const config = Buffer.from("{}");
const manifest = formatManifest({
  mediaType: MEDIA_TYPE.manifest,
  config: describeBytes(MEDIA_TYPE.config, config),
  layers: [describeBytes(MEDIA_TYPE.layerGzip, layer)],
  annotations: {},
});
const image = describeBytes(MEDIA_TYPE.manifest, manifest);
const secret = "upstream-password";

/** An upstream in memory that can go away, stall and lie. */
class FakeUpstream implements Upstream {
  readonly host = "up.example:5000";
  readonly asked: string[] = [];
  isDown = false;
  fault: "none" | "breaks" = "none";
  /** Opens when the rest of a blob may come. */
  gate: Promise<void> = Promise.resolve();

  async resolve(repository: string, reference: string): Promise<Descriptor | undefined> {
    this.#ask(`resolve ${repository} ${reference}`);
    return repository === "team/os" && ["1", image.digest].includes(reference) ? image : undefined;
  }

  async *fetch(repository: string, { digest }: Descriptor): AsyncGenerator<Uint8Array> {
    this.#ask(`fetch ${repository} ${digest.slice(7, 15)}`);
    const bytes = [manifest, layer, config].find((candidate) => digestOf(candidate) === digest);
    if (bytes === undefined) throw new Error("not there");
    yield bytes.subarray(0, 1000);
    await this.gate;
    if (this.fault === "breaks") throw new Error(`digest mismatch, ${secret}`);
    yield bytes.subarray(1000);
  }

  async tags(repository: string): Promise<readonly string[] | undefined> {
    this.#ask(`tags ${repository}`);
    return repository === "team/os" ? ["2", "1"] : undefined;
  }

  async referrers(): Promise<readonly Descriptor[]> {
    this.#ask("referrers");
    return [{ ...image, artifactType: "a/b" }];
  }

  #ask(what: string): void {
    this.asked.push(what);
    if (this.isDown) throw new Error(`cannot reach upstream with ${secret}`);
  }
}

let upstream: FakeUpstream;
let local: LocalRegistry;
beforeEach(async () => {
  upstream = new FakeUpstream();
  local = await localRegistry({ upstreams: [upstream] });
});
afterEach(() => local[Symbol.asyncDispose]());

const MANIFEST = "/v2/team/os/manifests/1";
const LAYER = `/v2/team/os/blobs/${digestOf(layer)}`;

async function bytesOf(answer: Response): Promise<Uint8Array> {
  return new Uint8Array(await answer.arrayBuffer());
}

describe("a mirror", () => {
  it("gets what is missing once, for all who ask meanwhile, and keeps it", async () => {
    expect(digestOf(await bytesOf(await local.ask("GET", MANIFEST)))).toBe(image.digest);
    let open = (): void => undefined;
    upstream.gate = new Promise((resolve) => (open = resolve));
    const answers = await Promise.all([1, 2, 3].map(() => local.ask("GET", LAYER)));
    open();
    for (const answer of answers) expect(digestOf(await bytesOf(answer))).toBe(digestOf(layer));
    expect(digestOf(await bytesOf(await local.ask("GET", LAYER)))).toBe(digestOf(layer));
    expect(upstream.asked.filter((what) => what.startsWith("fetch")).length).toBe(2);
    const part = await local.ask("GET", LAYER, { headers: { range: "bytes=1000000-1000003" } });
    expect(Buffer.from(await bytesOf(part))).toEqual(layer.subarray(1_000_000, 1_000_004));
  });

  it("serves what it has when the upstream is away", async () => {
    await local.ask("GET", MANIFEST);
    await (await local.ask("GET", LAYER)).arrayBuffer();
    upstream.isDown = true;
    expect((await local.ask("GET", MANIFEST)).status).toBe(200);
    expect((await local.ask("GET", `/v2/team/os/manifests/${image.digest}`)).status).toBe(200);
    expect(digestOf(await bytesOf(await local.ask("GET", LAYER)))).toBe(digestOf(layer));
    expect(await (await local.ask("GET", "/v2/team/os/tags/list")).json()).toMatchObject({ tags: ["1"] });
    const missing = await local.ask("GET", "/v2/team/os/manifests/2");
    expect(missing.status).toBe(502);
    const text = await missing.text();
    expect(text).toContain("UNAVAILABLE");
    expect(text).not.toContain(secret);
  });

  it("never ends a blob that turned out wrong, and does not keep it", async () => {
    await local.ask("GET", MANIFEST);
    upstream.fault = "breaks";
    await expect(local.ask("GET", LAYER).then((answer) => answer.arrayBuffer())).rejects.toBeInstanceOf(TypeError);
    upstream.fault = "none";
    // fetch may not have noticed yet that the connection is gone.
    const again = async (): Promise<string> => digestOf(await bytesOf(await local.ask("GET", LAYER)));
    await expect.poll(() => again().catch(String)).toBe(digestOf(layer));
  });

  it("fetches only blobs that a manifest names", async () => {
    expect(await codesOf(await local.ask("GET", LAYER))).toEqual(["BLOB_UNKNOWN"]);
    expect(upstream.asked).toEqual([]);
  });

  it("passes lists on", async () => {
    expect(await (await local.ask("GET", "/v2/team/os/tags/list")).json()).toMatchObject({ tags: ["1", "2"] });
    expect((await local.ask("GET", "/v2/other/tags/list")).status).toBe(404);
    expect(await (await local.ask("GET", `/v2/team/os/referrers/${image.digest}`)).json()).toMatchObject({
      manifests: [{ artifactType: "a/b" }],
    });
  });

  it("takes no pushes", async () => {
    expect(await codesOf(await local.ask("POST", "/v2/team/os/blobs/uploads/"))).toEqual(["UNSUPPORTED"]);
    expect((await local.ask("DELETE", MANIFEST)).status).toBe(405);
  });

  it("asks configured hosts only", async () => {
    const named = await local.ask("GET", `${MANIFEST}?ns=up.example:5000`);
    expect([named.status, named.headers.get("oci-namespace")]).toEqual([200, "up.example:5000"]);
    expect((await local.ask("GET", "/v2/up.example_5000/team/os/manifests/1")).status).toBe(200);
    upstream.asked.length = 0;
    expect((await local.ask("GET", `${MANIFEST}?ns=evil.example`)).status).toBe(404);
    expect(upstream.asked).toEqual([]);
  });
});

describe("parseUpstream", () => {
  it.each([
    ["docker.io", { host: "docker.io", insecure: false }],
    ["https://Quay.io/", { host: "quay.io", insecure: false }],
    ["http://127.0.0.1:5000", { host: "127.0.0.1:5000", insecure: true }],
  ])("reads %s", (text, wanted) => {
    expect(parseUpstream(text)).toEqual(wanted);
  });

  it.each(["", "ftp://x", "x/y", "user:secret@x", "http://"])("refuses %j", (text) => {
    expect(() => parseUpstream(text)).toThrow(expect.objectContaining({ code: "BAD_OPTION" }));
  });
});

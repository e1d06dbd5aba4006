import { readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LocalRegistry, localRegistry, sha256 } from "../../support/local-registry.ts";

const DAY_MS = 24 * 3600 * 1000;
let local: LocalRegistry;
let laterMs = 0;

beforeEach(async () => {
  laterMs = 0;
  local = await localRegistry({ now: () => Date.now() + laterMs, graceMs: DAY_MS });
});
afterEach(() => local[Symbol.asyncDispose]());

function blobs(): string[] {
  return readdirSync(join(local.root, "blobs/sha256")).sort();
}

const bytes = Buffer.from("a blob that no manifest names");

describe("garbage collection", () => {
  it("keeps what a manifest names, and removes the rest after the grace period only", async () => {
    await local.pushImage("os", "1");
    const named = blobs();
    await local.pushBlob("os", bytes);
    expect(await local.registry.collect()).toEqual({ blobs: 0, links: 0, uploads: 0 });
    laterMs = DAY_MS + 1000;
    expect(await local.registry.collect()).toEqual({ blobs: 1, links: 1, uploads: 0 });
    expect(blobs()).toEqual(named);
    expect((await local.ask("HEAD", `/v2/os/blobs/${sha256(bytes)}`)).status).toBe(404);
  });

  it("removes the blobs of a deleted manifest, those of others stay", async () => {
    const digest = await local.pushImage("os", "1");
    await local.pushImage("other", "1");
    await local.ask("DELETE", `/v2/os/manifests/${digest}`);
    laterMs = DAY_MS + 1000;
    await local.registry.collect();
    // Manifest, layer, and the configuration that both images had.
    expect(blobs().length).toBe(3);
    expect((await local.ask("GET", "/v2/other/manifests/1")).status).toBe(200);
  });

  it.each([
    ["is asked for", (): Promise<unknown> => local.ask("HEAD", `/v2/os/blobs/${sha256(bytes)}`)],
    ["is pushed again", (): Promise<unknown> => local.pushBlob("os", bytes)],
    ["is mounted", (): Promise<unknown> => local.ask("POST", `/v2/b/blobs/uploads/?mount=${sha256(bytes)}&from=os`)],
  ])("keeps an old blob that %s by a client that is going to name it", async (_, rely) => {
    await local.pushBlob("os", bytes);
    laterMs = 2 * DAY_MS;
    await rely();
    laterMs += DAY_MS / 2 - 1000;
    expect((await local.registry.collect()).blobs).toBe(0);
    laterMs += 2 * DAY_MS;
    expect((await local.registry.collect()).blobs).toBe(1);
  });

  it("keeps uploads that go on, and forgets abandoned ones", async () => {
    const location = (await local.ask("POST", "/v2/os/blobs/uploads/")).headers.get("location") ?? "";
    await local.ask("PATCH", location, { body: "x" });
    expect((await local.registry.collect()).uploads).toBe(0);
    laterMs = DAY_MS + 1000;
    expect((await local.registry.collect()).uploads).toBe(1);
    expect((await local.ask("GET", location)).status).toBe(404);
  });

  it("brings back what a collection that was killed had moved aside, and leaves unfinished files alone", async () => {
    await local.pushImage("os", "1");
    const [first = ""] = blobs();
    const directory = join(local.root, "blobs/sha256");
    renameSync(join(directory, first), join(directory, `.${first}.aside`));
    writeFileSync(join(directory, `.${first}.${process.pid}.0123456789ab.partial`), "");
    await local.registry.collect();
    expect(blobs()).toContain(first);
    expect(blobs().length).toBe(4);
  });
});

import { spawnSync } from "node:child_process";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
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

/** The process above this one. */
function livingOwner(): string {
  const stat = readFileSync(`/proc/${process.ppid}/stat`, "latin1");
  const started = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  return `${process.ppid} ${readlinkSync("/proc/self/ns/pid")} ${started}`;
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

  describe("of a process that was killed", () => {
    let directory: string;
    beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "slipway-uploads-"))));
    afterEach(() => rmSync(directory, { recursive: true, force: true }));
    const records = (): string[] => readdirSync(directory).map((name) => join(directory, name));
    const upload = (registry: FakeRegistry, attempts = 3, uploadsDirectory = directory): Promise<void> =>
      storeAt(registry.host, {}, { uploadsDirectory, limits: { attempts } }).uploadBlob(blob, from);

    /** A registry that has a million bytes of the blob, and whose client is gone. */
    async function leaveOpen(
      change: (record: Record<string, unknown>) => void = () => undefined,
    ): Promise<FakeRegistry> {
      const registry = await start();
      breakUploads(registry, 1, 1_000_000);
      await expect(upload(registry, 1)).rejects.toMatchObject({ code: "UNREACHABLE" });
      const [path = ""] = records();
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const { pid } = spawnSync("true");
      const record = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
      record["owner"] = `${pid} ${readlinkSync("/proc/self/ns/pid")} 1`;
      change(record);
      writeFileSync(path, JSON.stringify(record));
      registry.seen.splice(0);
      return registry;
    }

    it("is gone on with", async () => {
      const registry = await leaveOpen();
      await upload(registry);
      expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
      expect(registry.seen.map(({ method }) => method).join(" ")).toBe("GET GET PATCH PUT");
      expect(records()).toEqual([]);
    });

    it.each([
      ["the registry has forgotten it", "GET GET POST PUT", (registry: FakeRegistry) => registry.uploads.clear()],
      [
        "what the registry has is spoilt",
        "GET GET PATCH PUT POST PUT",
        (registry: FakeRegistry) => {
          for (const [first] of registry.uploads.values()) first?.fill(0);
        },
      ],
      ["it is a day old", "GET POST PUT", () => records().forEach((path) => utimesSync(path, 0, 0))],
      ["the record is no JSON", "GET POST PUT", () => records().forEach((path) => writeFileSync(path, "{"))],
    ])("starts anew when %s", async (_, wanted, change) => {
      const registry = await leaveOpen();
      change(registry);
      await upload(registry);
      expect(registry.blobs.get(blob.digest)?.equals(bytes)).toBe(true);
      expect(registry.seen.map(({ method }) => method).join(" ")).toBe(wanted);
      expect(records()).toEqual([]);
    });

    it.each([
      ["lives", (record: Record<string, unknown>) => void (record["owner"] = livingOwner())],
      ["is in another container", (record: Record<string, unknown>) => void (record["owner"] = "1 pid:[1] 1")],
    ])("is left alone when its process %s", async (_, change) => {
      const registry = await leaveOpen(change);
      await upload(registry);
      expect(registry.seen.map(({ method }) => method).join(" ")).toBe("GET POST PUT");
    });

    it("is forgotten where the store cannot be written to", async () => {
      const registry = await start();
      await upload(registry, 3, "/dev/null/uploads");
      expect(registry.blobs.has(blob.digest)).toBe(true);
    });
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

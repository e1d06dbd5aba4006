// Registries that lie, stall, or send us elsewhere: bounded bytes, bounded time, one clear error.
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { send, sendError } from "../../../test/support/fake-registry.ts";
import { useRegistries } from "../../../test/support/registry-session.ts";
import { noise } from "../../../test/support/random.ts";
import { describeBytes } from "../descriptor.ts";
import { MEDIA_TYPE } from "../media-types.ts";

const { start, storeAt } = useRegistries();

const bytes = noise(300_000, 1);
const blob = describeBytes(MEDIA_TYPE.layer, bytes);
const manifest = describeBytes(MEDIA_TYPE.manifest, Buffer.from("{}"));
/** Stalls are noticed in a fraction of a second. */
const QUICK = { limits: { stallMs: 80, answerMs: 80, attempts: 1 } };

async function read(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

describe("a registry that lies about blobs", () => {
  it.each([
    ["other bytes", "DIGEST_MISMATCH", (): Buffer => Buffer.alloc(bytes.length), {}],
    ["fewer bytes, and says so", "SIZE_MISMATCH", (): Buffer => bytes.subarray(1), {}],
    ["fewer bytes, without saying so", "SIZE_MISMATCH", (): Buffer => bytes.subarray(1), { chunked: true }],
    ["more bytes, without saying so", "SIZE_MISMATCH", (): Buffer => Buffer.concat([bytes, bytes]), { chunked: true }],
  ])("is refused with %s", async (_, code, lie, { chunked = false }: { chunked?: boolean }) => {
    const registry = await start();
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      if (chunked) response.end(lie());
      else send(response, 200, {}, lie());
      if (chunked) return true;
      return true;
    };
    await expect(read(storeAt(registry.host).fetch(blob))).rejects.toMatchObject({ name: "DigestError", code });
  });

  it("is left as soon as an endless body is longer than the blob", async () => {
    const registry = await start();
    let sent = 0;
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536;
      };
      response.on("drain", more);
      more();
      return true;
    };
    await expect(read(storeAt(registry.host).fetch(blob))).rejects.toMatchObject({ code: "SIZE_MISMATCH" });
    expect(sent).toBeLessThan(16 * 1024 * 1024);
  });

  it("is given up when it drips", async () => {
    const registry = await start();
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      const timer = setInterval(() => response.write("x"), 5);
      response.on("close", () => clearInterval(timer));
      return true;
    };
    await expect(read(storeAt(registry.host, {}, QUICK).fetch(blob))).rejects.toMatchObject({
      name: "RegistryError",
      code: "TIMEOUT",
    });
  });

  it("is not taken for stalled while the reader is busy", async () => {
    const registry = await start();
    registry.addBlob(bytes);
    let length = 0;
    for await (const chunk of storeAt(registry.host, {}, QUICK).fetch(blob)) {
      if (length === 0) await new Promise((resolve) => setTimeout(resolve, 200));
      length += chunk.length;
    }
    expect(length).toBe(bytes.length);
  });

  it("is given up when it does not answer", async () => {
    const registry = await start();
    registry.intercept = ({ url }) => url?.includes("/blobs/") === true;
    await expect(storeAt(registry.host, {}, QUICK).exists(blob)).rejects.toMatchObject({ code: "TIMEOUT" });
  });

  it("sends another part than was asked for", async () => {
    const registry = await start();
    registry.intercept = ({ url, headers }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      if (headers.range === undefined) {
        response
          .writeHead(200, { "content-length": bytes.length })
          .write(bytes.subarray(0, 1000), () => response.destroy());
      } else send(response, 206, { "content-range": `bytes 0-9/${bytes.length}` }, bytes.subarray(0, 10));
      return true;
    };
    await expect(read(storeAt(registry.host).fetch(blob))).rejects.toMatchObject({ code: "BAD_RESPONSE" });
  });
});

describe("a registry whose connections break", () => {
  it.each([
    ["by Range", true],
    ["by leaving out what it has when Range is ignored", false],
  ])("is read on from where it broke, %s", async (_, hasRange) => {
    const registry = await start();
    const ranges: (string | undefined)[] = [];
    registry.intercept = ({ url, headers }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      ranges.push(headers.range);
      const from = hasRange ? Number(/\d+/.exec(headers.range ?? "")?.[0] ?? 0) : 0;
      const end = ranges.length < 3 ? 100_000 * ranges.length : bytes.length;
      response.writeHead(from === 0 ? 200 : 206, {
        "content-length": bytes.length - from,
        "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
      });
      response.write(bytes.subarray(from, end), () => (end === bytes.length ? response.end() : response.destroy()));
      return true;
    };
    const messages: string[] = [];
    const store = storeAt(registry.host, {}, { onRetry: (message) => void messages.push(message) });
    expect((await read(store.fetch(blob))).equals(bytes)).toBe(true);
    expect(ranges).toEqual([undefined, `bytes=100000-${bytes.length - 1}`, `bytes=200000-${bytes.length - 1}`]);
    expect(messages[0]).toMatch(/^cannot read sha256:.* closed the connection; trying again in 0\.0 s$/);
  });

  it("is given up after some tries that bring almost nothing", async () => {
    const registry = await start();
    let tries = 0;
    registry.intercept = ({ url, headers }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      tries++;
      const from = Number(/\d+/.exec(headers.range ?? "")?.[0] ?? 0);
      response.writeHead(from === 0 ? 200 : 206, {
        "content-length": bytes.length - from,
        "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
      });
      response.write(bytes.subarray(from, from + 1), () => response.destroy());
      return true;
    };
    await expect(read(storeAt(registry.host).fetch(blob))).rejects.toMatchObject({ code: "UNREACHABLE" });
    expect(tries).toBe(3);
  });
});

describe("a registry that sends too much", () => {
  it("of a manifest", async () => {
    const registry = await start();
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/manifests/") !== true) return false;
      response.end(Buffer.alloc(5 * 1024 * 1024));
      return true;
    };
    await expect(read(storeAt(registry.host).fetch(manifest))).rejects.toThrow(/a document of more than 4194304 bytes/);
  });

  it("of time for a manifest", async () => {
    const registry = await start();
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/manifests/") !== true) return false;
      const timer = setInterval(() => response.write("x".repeat(100)), 5);
      response.on("close", () => clearInterval(timer));
      return true;
    };
    const limits = { documentMs: 100, minStallBytes: 1, attempts: 1 };
    await expect(read(storeAt(registry.host, {}, { limits }).fetch(manifest))).rejects.toMatchObject({
      code: "TIMEOUT",
    });
  });

  it("of headers", async () => {
    const registry = await start();
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/manifests/") !== true) return false;
      send(response, 200, { "x-long": "x".repeat(100_000) });
      return true;
    };
    await expect(storeAt(registry.host).resolve("a")).rejects.toMatchObject({ code: "BAD_RESPONSE" });
  });

  it("of a token", async () => {
    const registry = await start({ auth: "bearer" });
    registry.intercept = ({ url }, response) => {
      if (url?.startsWith("/token") !== true) return false;
      send(response, 200, {}, JSON.stringify({ token: "x".repeat(70_000) }));
      return true;
    };
    await expect(storeAt(registry.host).resolve("a")).rejects.toThrow(/a document of more than 65536 bytes/);
  });

  it("of an error, with control characters", async () => {
    const registry = await start();
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/manifests/") !== true) return false;
      sendError(response, 403, "DENIED", `no\u001b[31m\n${"way ".repeat(1000)}`);
      return true;
    };
    const error: unknown = await storeAt(registry.host)
      .resolve("a")
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "DENIED", hint: expect.stringContaining("slipway login") as string });
    expect((error as Error).message).toMatch(/^[\x20-\x7e]{1,400}$/);
  });
});

describe("a registry that is none", () => {
  it.each(["SSH-2.0-OpenSSH_9\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", ""])(
    "says %j",
    async (greeting) => {
      const server = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.end(greeting);
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const store = storeAt(`127.0.0.1:${(server.address() as AddressInfo).port}`);
      await expect(store.exists(blob)).rejects.toMatchObject({ name: "RegistryError" });
      server.close();
    },
  );

  it("says that nothing listens there", async () => {
    await expect(storeAt("127.0.0.1:1").exists(blob)).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringMatching(/127.0.0.1:1 cannot be used: nothing listens there/) as string,
    });
  });
});

describe("a registry that has had enough", () => {
  it("is asked again, and explained", async () => {
    const registry = await start();
    let count = 0;
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/manifests/") !== true || ++count > 2) return false;
      sendError(response, 429, "TOOMANYREQUESTS", "slow down", { "retry-after": "0" });
      return true;
    };
    const messages: string[] = [];
    const store = storeAt(registry.host, {}, { onRetry: (message) => void messages.push(message) });
    await expect(store.resolve("a")).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(messages.length).toBe(2);
    registry.intercept = (_, response) => {
      sendError(response, 429, "TOOMANYREQUESTS", "slow down", { "retry-after": "3600" });
      return true;
    };
    await expect(store.resolve("a")).rejects.toMatchObject({
      code: "RATE_LIMITED",
      hint: expect.stringMatching(/^Try again in 3600 s, or get a higher limit by an account: slipway login/) as string,
    });
  });

  it("can be left with an AbortSignal", async () => {
    const registry = await start();
    const controller = new AbortController();
    registry.intercept = ({ url }) => {
      if (url?.includes("/blobs/") !== true) return false;
      controller.abort();
      return true;
    };
    const store = storeAt(registry.host, {}, { signal: controller.signal });
    await expect(store.exists(blob)).rejects.toMatchObject({ name: "AbortError" });
  });

  it("can be left in the middle of a blob", async () => {
    const registry = await start();
    const controller = new AbortController();
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      response.write(bytes.subarray(0, 1000));
      return true;
    };
    const messages: string[] = [];
    const onRetry = (message: string): void => void messages.push(message);
    const reading = async (): Promise<void> => {
      for await (const _ of storeAt(registry.host, {}, { signal: controller.signal, onRetry }).fetch(blob))
        controller.abort();
    };
    await expect(reading()).rejects.toMatchObject({ name: "AbortError" });
    expect(messages).toEqual([]);
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { codesOf, type LocalRegistry, localRegistry, sha256 } from "../../support/local-registry.ts";
import type { LogLine } from "../../../src/registry/index.ts";

/** A connection that has sent this, and what came back. */
async function send({ registry }: LocalRegistry, text: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect(registry.port, registry.host);
  let received = "";
  socket.on("error", () => undefined).on("data", (chunk) => (received += chunk.toString()));
  const answer = new Promise<string>((resolve) => socket.on("close", () => resolve(received)));
  await new Promise((resolve) => socket.write(text, resolve));
  return { socket, answer };
}

describe("a client", () => {
  it("that only drips is cut off, what it sent stays", async () => {
    await using local = await localRegistry({ pace: { intervalMs: 60, minBytesPerInterval: 1000 } });
    const location = (await local.ask("POST", "/v2/a/blobs/uploads/")).headers.get("location") ?? "";
    const { socket, answer } = await send(local, `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n`);
    const drip = setInterval(() => socket.write("x"), 10);
    await answer;
    clearInterval(drip);
    const status = await local.ask("GET", location);
    expect(status.status).toBe(204);
    expect(Number(status.headers.get("range")?.slice(2))).toBeGreaterThan(0);
  });

  it("that takes nothing of its answer is cut off, also when it has asked for more before", async () => {
    const lines: LogLine[] = [];
    await using local = await localRegistry({
      pace: { intervalMs: 60, minBytesPerInterval: 1000 },
      onRequest: (line) => lines.push(line),
    });
    const digest = await local.pushBlob("a", Buffer.alloc(24 * 1024 * 1024));
    lines.length = 0;
    const get = `GET /v2/a/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const { socket } = await send(local, get + get);
    socket.pause();
    await expect.poll(() => lines.length, { timeout: 5000 }).toBe(2);
    expect(lines).toMatchObject([{ aborted: true }, { aborted: true }]);
    socket.destroy();
  });

  it("opens only so many uploads at once", async () => {
    await using local = await localRegistry({ maxUploadsPerClient: 2 });
    const start = (): Promise<Response> => local.ask("POST", "/v2/a/blobs/uploads/");
    const first = await start();
    await start();
    const third = await start();
    expect([third.status, third.headers.has("retry-after"), await codesOf(third)]).toEqual([
      429,
      true,
      ["TOOMANYREQUESTS"],
    ]);
    await local.ask("DELETE", first.headers.get("location") ?? "");
    expect((await start()).status).toBe(202);
  });

  it("that speaks no HTTP is cut off", async () => {
    await using local = await localRegistry();
    const { answer } = await send(local, "\x16\x03\x01\x00nonsense\r\n\r\n");
    expect(await answer).toBe("");
  });
});

describe("stopping", () => {
  it("lets a running request finish", async () => {
    const lines: LogLine[] = [];
    const local = await localRegistry({ onRequest: (line) => lines.push(line) });
    const bytes = Buffer.from("12345");
    const path = `/v2/a/blobs/uploads/?digest=${sha256(bytes)}`;
    const { socket, answer } = await send(local, `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n123`);
    await new Promise((resolve) => setTimeout(resolve, 30));
    const stopped = local.registry.stop(5000);
    await new Promise((resolve) => setTimeout(resolve, 30));
    socket.write("45");
    expect(await answer).toMatch(/^HTTP\/1.1 201 /);
    await stopped;
    expect(lines).toMatchObject([{ method: "POST", status: 201, receivedBytes: 5, client: "127.0.0.1" }]);
    await expect(local.ask("GET", "/v2/")).rejects.toBeInstanceOf(TypeError);
    await local[Symbol.asyncDispose]();
  });

  it("cuts off what takes longer than the grace", async () => {
    const local = await localRegistry();
    const { answer } = await send(local, "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n1");
    await local.registry.stop(30);
    await answer;
    await local[Symbol.asyncDispose]();
  });
});

describe("a storage directory", () => {
  it("that is only read gives out what it has and refuses the rest", async () => {
    await using local = await localRegistry();
    const digest = await local.pushImage("os", "1");
    await using reader = await localRegistry({ root: local.root, readOnly: true });
    expect((await reader.ask("HEAD", `/v2/os/manifests/${digest}`)).status).toBe(200);
    expect(await codesOf(await reader.ask("POST", "/v2/os/blobs/uploads/"))).toEqual(["UNSUPPORTED"]);
    expect((await reader.ask("DELETE", "/v2/os/manifests/1")).status).toBe(405);
  });

  it("is refused when it holds something else, or a later version", async () => {
    const root = mkdtempSync(join(tmpdir(), "slipway-registry-"));
    writeFileSync(join(root, "letter.txt"), "");
    await expect(localRegistry({ root })).rejects.toMatchObject({ code: "BAD_STORAGE" });
    writeFileSync(join(root, "slipway-registry.json"), '{"registryStorageVersion":2}');
    await expect(localRegistry({ root })).rejects.toMatchObject({ code: "BAD_STORAGE" });
    rmSync(root, { recursive: true });
  });

  it("may be shared by two servers", async () => {
    await using first = await localRegistry();
    await using second = await localRegistry({ root: first.root });
    const digest = await first.pushImage("os", "1");
    expect((await second.ask("HEAD", `/v2/os/manifests/${digest}`)).status).toBe(200);
    const location = (await first.ask("POST", "/v2/os/blobs/uploads/")).headers.get("location") ?? "";
    await first.ask("PATCH", location, { body: "begun here, " });
    const rest = `${location}?digest=${sha256(Buffer.from("begun here, ended there"))}`;
    expect((await second.ask("PUT", rest, { body: "ended there" })).status).toBe(201);
  });
});

it("an address that is taken is an error with its name", async () => {
  await using local = await localRegistry();
  await expect(localRegistry({ port: local.registry.port })).rejects.toMatchObject({
    code: "CANNOT_LISTEN",
    message: expect.stringContaining("EADDRINUSE") as string,
  });
});

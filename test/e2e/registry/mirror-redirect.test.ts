/** A mirror whose upstream sends it elsewhere. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDirectRegistry } from "../../../src/oci/index.ts";
import { reachableFrom, RemoteUpstream } from "../../../src/registry/index.ts";
import { type LocalRegistry, localRegistry } from "../../support/local-registry.ts";

let storage: LocalRegistry;
let front: Server;
let host = "";
const asked: string[] = [];

/** In front of a registry: hands manifests on, sends blobs to where they lie. */
beforeAll(async () => {
  storage = await localRegistry({
    onRequest: ({ path, user }) => asked.push(`${path} ${user ?? ""}`),
  });
  front = createServer((request, response) => {
    if (request.url?.includes("/blobs/") === true)
      response.writeHead(307, { location: `${storage.registry.url}${request.url}` }).end();
    else
      void fetch(`${storage.registry.url}${request.url}`, { method: request.method ?? "GET" }).then(async (answer) => {
        const { "content-encoding": _, ...headers } = Object.fromEntries(answer.headers);
        response.writeHead(answer.status, headers).end(Buffer.from(await answer.arrayBuffer()));
      });
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", () => resolve()));
  host = `127.0.0.1:${(front.address() as AddressInfo).port}`;
});
afterAll(async () => {
  front.closeAllConnections();
  front.close();
  await storage[Symbol.asyncDispose]();
});

async function pullBlob(added: readonly string[]): Promise<{ status: number; text: string }> {
  await storage.pushImage("os", "1");
  await using registry = openDirectRegistry({
    registry: host,
    insecure: true,
    settings: { env: {} },
    userAgent: "test",
    mayReach: reachableFrom(host, added),
  });
  await using mirror = await localRegistry({ upstreams: [new RemoteUpstream(host, registry)] });
  const manifest = await mirror.ask("GET", "/v2/os/manifests/1");
  const { layers } = (await manifest.json()) as { layers: { digest: string }[] };
  asked.length = 0;
  const blob = await mirror.ask("GET", `/v2/os/blobs/${layers[0]?.digest}`);
  return { status: blob.status, text: await blob.text() };
}

describe("a mirror whose upstream redirects to another host", () => {
  it("does not go there", async () => {
    const { status, text } = await pullBlob([]);
    expect([status, asked]).toEqual([502, []]);
    expect(text).not.toContain(storage.registry.url);
  });

  it("goes there when it may", async () => {
    const { status } = await pullBlob([`127.0.0.1:${storage.registry.port}`]);
    expect(status).toBe(200);
    expect(asked.length).toBe(1);
  });
});

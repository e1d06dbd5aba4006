import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { useRegistries } from "../../../test/support/registry-session.ts";
import { send } from "../../../test/support/fake-registry.ts";
import { describeBytes } from "../descriptor.ts";
import { MEDIA_TYPE } from "../media-types.ts";

const { storeAt, start } = useRegistries();
const blob = describeBytes(MEDIA_TYPE.layer, Buffer.from("x"));

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a proxy", () => {
  it("is used for what NO_PROXY does not name", async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(request.url ?? "");
      send(response, 200);
    });
    server.on("connect", (request, socket) => {
      seen.push(`CONNECT ${request.url}`);
      socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
    });
    const proxy = await listen(server);
    const env = { http_proxy: proxy, https_proxy: proxy, no_proxy: "127.0.0.1" };
    expect(await storeAt("registry.invalid", {}, { env }).exists(blob)).toBe(true);
    expect(seen).toEqual([
      "CONNECT registry.invalid:443",
      "http://registry.invalid/v2/",
      `http://registry.invalid/v2/team/app/blobs/${blob.digest}`,
    ]);
    const registry = await start();
    expect(await storeAt(registry.host, {}, { env }).exists(blob)).toBe(false);
    expect(seen.length).toBe(3);
    server.closeAllConnections();
    server.close();
  });
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { useRegistries } from "../../../test/support/registry-session.ts";
import { describeBytes } from "../descriptor.ts";
import { MEDIA_TYPE } from "../media-types.ts";

const { start, storeAt } = useRegistries();
const blob = describeBytes(MEDIA_TYPE.layer, Buffer.from("x"));

function pem(name: string): string {
  return readFileSync(join(import.meta.dirname, "../../../test/vectors/tls", name), "utf8");
}

function pair(name: string): { cert: string; key: string } {
  return { cert: pem(`${name}.crt`), key: pem(`${name}.key`) };
}

const ca = [pem("ca.crt")];

describe("TLS", () => {
  it("trusts a CA of certs.d", async () => {
    const registry = await start({ tls: pair("server") });
    expect(await storeAt(registry.host, { verify: true, ca }).exists(blob)).toBe(false);
  });

  it.each([
    [
      "an unknown CA",
      "server",
      [],
      /nobody this machine trusts/,
      /certs\.d\/127\.0\.0\.1:\d+\/ca\.crt.*--tls-verify=false/,
    ],
    ["an expired certificate", "expired", ca, /has expired/, /clock/],
    ["a certificate for another host", "other-host", ca, /is for another host/, /host name/],
  ])("explains %s", async (_, name, known, message, hint) => {
    const registry = await start({ tls: pair(name) });
    await expect(storeAt(registry.host, { verify: true, ca: known }).exists(blob)).rejects.toMatchObject({
      name: "RegistryError",
      code: "TLS",
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(hint) as string,
    });
    expect(await storeAt(registry.host, { verify: false }).exists(blob)).toBe(false);
  });

  it("explains a registry without TLS, and uses it only when told to", async () => {
    const registry = await start();
    await expect(storeAt(registry.host, { verify: true }).exists(blob)).rejects.toMatchObject({
      name: "RegistryError",
      hint: expect.stringContaining("--tls-verify=false") as string,
    });
    expect(await storeAt(registry.host, { verify: false }).exists(blob)).toBe(false);
  });

  it("shows a client certificate of certs.d, and explains that one is wanted", async () => {
    const registry = await start({ tls: { ...pair("server"), ca: pem("ca.crt"), requestCert: true } });
    const settings = { verify: true, ca };
    expect(await storeAt(registry.host, { ...settings, client: pair("server") }).exists(blob)).toBe(false);
    await expect(storeAt(registry.host, settings).exists(blob)).rejects.toMatchObject({
      code: "TLS",
      message: expect.stringMatching(/wants a client certificate/) as string,
    });
  });

  it("does not follow from https down to http", async () => {
    const [registry, storage] = [await start({ tls: pair("server") }), await start()];
    registry.intercept = ({ url }, response) => {
      if (url?.includes("/blobs/") !== true) return false;
      response.writeHead(307, { location: `http://${storage.host}/` }).end();
      return true;
    };
    await expect(storeAt(registry.host, { verify: true, ca }).exists(blob)).rejects.toThrow(/which is not encrypted/);
    expect(storage.seen).toEqual([]);
  });
});

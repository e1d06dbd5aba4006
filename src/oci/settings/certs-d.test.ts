import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readCertificates } from "./certs-d.ts";
import { placesOf } from "./places.ts";

// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=test
const CERT = `-----BEGIN CERTIFICATE-----
MIIBdjCCARugAwIBAgIUIbi3YRs2FJcfyAb/ytlOcoeoU3YwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjExODUwMTJaGA8yMTI2MTAyODE4NTAx
MlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPZE
NkJm9JGlf5adlOc1TuMOd/kaa0ACc4ZwItwepTLvLNrEb95rYOYK7NV2KisLXLLN
lTz6s+ZAci59TQ+CwCujUzBRMB0GA1UdDgQWBBRRoDtpSZKyQh63pTSfKCAwPrRT
/DAfBgNVHSMEGDAWgBRRoDtpSZKyQh63pTSfKCAwPrRT/DAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQCe4bPJjIb92x/iQBaWI7yw1QyUO4uJjnMb
PeDrht4WgAIhAK2+Q6aIyQ0Twfpc0xjBoAhXiwho7Xay43YmHVnEYcwU
-----END CERTIFICATE-----
`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXovObSAR8cAb7wjr
967WdUhD389P6phXUjvmpIej5EuhRANCAAT2RDZCZvSRpX+WnZTnNU7jDnf5GmtA
AnOGcCLcHqUy7yzaxG/ea2DmCuzVdiorC1yyzZU8+rPmQHIufU0PgsAr
-----END PRIVATE KEY-----
`;
const OTHER_KEY = String(
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "pem", type: "pkcs8" }),
);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "slipway-certs-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (directory: string, files: Readonly<Record<string, string>>): string => {
  mkdirSync(join(root, directory), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, directory, name), text);
  return join(root, directory);
};
const read = (certDir?: string) =>
  readCertificates(
    placesOf({ env: {}, home: join(root, "home"), systemRoot: root, ...(certDir === undefined ? {} : { certDir }) }),
    "h.example:5000",
  );

describe("certificates of a registry", () => {
  it("are none without a directory", async () => {
    put("etc/containers/certs.d/h.example", { "ca.crt": CERT });
    expect(await read()).toEqual({});
  });
  it("come from the first directory that has its host and port", async () => {
    put("etc/docker/certs.d/h.example:5000", { "ca.crt": CERT });
    expect(await read()).toEqual({ ca: [CERT] });
    put("etc/containers/certs.d/h.example:5000", { "ca.crt": CERT, "z.crt": CERT + CERT, README: "" });
    expect(await read()).toEqual({ ca: [CERT, CERT + CERT] });
    put("home/.config/containers/certs.d/h.example:5000", { "client.cert": CERT, "client.key": KEY });
    expect(await read()).toEqual({ cert: CERT, key: KEY });
  });
  it("come from --cert-dir alone", async () => {
    put("etc/containers/certs.d/h.example:5000", { "client.cert": CERT, "client.key": KEY });
    expect(await read(put("mine", { "ca.crt": CERT }))).toEqual({ ca: [CERT] });
    await expect(read(join(root, "none"))).rejects.toThrow(/none: there is no such directory/);
  });
});

describe("refused is", () => {
  it.each<readonly [files: Readonly<Record<string, string>>, message: string]>([
    [{ "client.cert": CERT }, "client.cert: there is no client.key beside it"],
    [{ "client.key": KEY }, "client.key: there is no client.cert beside it"],
    [{ "a.cert": CERT, "b.key": KEY }, "a.cert: there is no a.key beside it"],
    [{ "a.cert": CERT, "a.key": KEY, "b.cert": CERT, "b.key": KEY }, "several client certificates (a.cert, b.cert)"],
    [{ "a.cert": CERT, "a.key": OTHER_KEY }, "a.key: it is not the key of a.cert"],
    [{ "a.cert": CERT, "a.key": "secret" }, "a.key: it holds no private key as PEM"],
    [{ "ca.crt": "" }, "ca.crt: it holds no certificate as PEM"],
    [{ "ca.crt": KEY }, "ca.crt: it holds no certificate as PEM"],
  ])("case %$", async (files, message) => {
    const error = { code: "BAD_CERTS", message: expect.stringContaining(message) };
    await expect(read(put("mine", files))).rejects.toMatchObject(error);
  });
  it("a link to nowhere", async () => {
    symlinkSync("/nowhere/ca.crt", join(put("mine", {}), "ca.crt"));
    await expect(read(join(root, "mine"))).rejects.toThrow(/it is a link to nowhere/);
  });
});

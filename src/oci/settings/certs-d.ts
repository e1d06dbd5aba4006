// Certificates of a registry: containers-certs.d(5). The first directory HOST:PORT counts: *.crt are authorities to
// trust, NAME.cert with NAME.key is the client's own pair. Refused: half a pair, two pairs, files that are no PEM, a key
// that does not belong to its certificate.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { SettingsError } from "./error.ts";
import type { Places } from "./places.ts";
import { isPermissionError, listSettingsDirectory, readSettingsFile } from "./read-file.ts";
import type { TlsSettings } from "./types.ts";

/** Throws SettingsError BAD_CERTS, IO, LIMIT. */
export async function readCertificates(places: Places, registry: string): Promise<Omit<TlsSettings, "verify">> {
  if (places.onlyCertDir !== undefined) {
    const names = await listSettingsDirectory(places.onlyCertDir);
    if (names === undefined) throw badCerts(places.onlyCertDir, "there is no such directory");
    return readDirectory(places.onlyCertDir, names);
  }
  for (const directory of places.certDirs.map((parent) => join(parent, registry))) {
    const names = await listReadable(directory);
    if (names !== undefined) return readDirectory(directory, names);
  }
  return {};
}

/** What this user may not look into is not theirs. */
async function listReadable(directory: string): Promise<readonly string[] | undefined> {
  try {
    return await listSettingsDirectory(directory);
  } catch (error) {
    if (isPermissionError(error)) return undefined;
    throw error;
  }
}

async function readDirectory(directory: string, names: readonly string[]): Promise<Omit<TlsSettings, "verify">> {
  const ca: string[] = [];
  for (const name of names.filter((one) => one.endsWith(".crt"))) {
    const path = join(directory, name);
    const pem = await read(path);
    parseCertificate(pem, path);
    ca.push(pem);
  }
  return { ...(ca.length === 0 ? {} : { ca }), ...(await readPair(directory, names)) };
}

async function readPair(directory: string, names: readonly string[]): Promise<Pick<TlsSettings, "cert" | "key">> {
  const stems = new Set(
    names.filter((name) => /\.(?:cert|key)$/.test(name)).map((name) => name.replace(/\.[^.]+$/, "")),
  );
  for (const stem of stems) {
    for (const [half, other] of [
      ["cert", "key"],
      ["key", "cert"],
    ])
      if (!names.includes(`${stem}.${other}`))
        throw badCerts(join(directory, `${stem}.${half}`), `there is no ${stem}.${other} beside it`);
  }
  const [stem, second] = stems;
  if (stem === undefined) return {};
  if (second !== undefined)
    throw badCerts(directory, `there are several client certificates (${stem}.cert, ${second}.cert), want one`);
  const certPath = join(directory, `${stem}.cert`);
  const keyPath = join(directory, `${stem}.key`);
  const [cert, key] = [await read(certPath), await read(keyPath)];
  if (!parseCertificate(cert, certPath).checkPrivateKey(parseKey(key, keyPath)))
    throw badCerts(keyPath, `it is not the key of ${stem}.cert`);
  return { cert, key };
}

function parseCertificate(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw badCerts(path, "it holds no certificate as PEM (-----BEGIN CERTIFICATE-----)", cause);
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw badCerts(path, "it holds no private key as PEM, or one with a passphrase", cause);
  }
}

async function read(path: string): Promise<string> {
  const text = await readSettingsFile(path);
  if (text === undefined) throw badCerts(path, "it is a link to nowhere");
  return text;
}

function badCerts(path: string, found: string, cause?: unknown): SettingsError {
  return new SettingsError("BAD_CERTS", `cannot use the certificates in ${path}: ${found}`, {
    hint: "Mend the directory as containers-certs.d(5) has it, or name another with --cert-dir",
    ...(cause === undefined ? {} : { cause }),
    data: { path },
  });
}

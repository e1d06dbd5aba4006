/** Our registry within the test's process, on a free port of loopback, and what tests say to it. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Registry, type RegistryOptions, startRegistry } from "../../src/registry/index.ts";

export interface LocalRegistry extends AsyncDisposable {
  readonly root: string;
  readonly registry: Registry;
  /** What it had trouble with. */
  readonly errors: unknown[];
  readonly ask: (method: string, path: string, init?: RequestInit) => Promise<Response>;
  /** Pushes a blob in one request; its digest. */
  readonly pushBlob: (name: string, bytes: Uint8Array) => Promise<string>;
  /** Pushes an image of one layer; the digest of its manifest. */
  readonly pushImage: (name: string, reference?: string, extra?: object) => Promise<string>;
}

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

/** Where syncing costs nothing. */
const IN_MEMORY: string = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export async function localRegistry(options: Partial<RegistryOptions> = {}): Promise<LocalRegistry> {
  const root = options.root ?? mkdtempSync(join(IN_MEMORY, "slipway-registry-"));
  const errors: unknown[] = [];
  const registry = await startRegistry({
    host: "127.0.0.1",
    port: 0,
    anonymousRead: false,
    anonymousWrite: false,
    insecure: false,
    readOnly: false,
    showMetrics: true,
    collectEveryMs: 0,
    onRequest: () => undefined,
    onError: (error) => errors.push(error),
    now: () => Date.now(),
    monotonicMs: () => performance.now(),
    ...options,
    root,
  });
  const ask = (method: string, path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${registry.url}${path}`, { method, redirect: "manual", ...init });
  const pushBlob = async (name: string, bytes: Uint8Array): Promise<string> => {
    const digest = sha256(bytes);
    const answer = await ask("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: Buffer.from(bytes) });
    if (answer.status !== 201) throw new Error(`pushing a blob: ${answer.status} ${await answer.text()}`);
    return digest;
  };
  const pushImage = async (name: string, reference?: string, extra: object = {}): Promise<string> => {
    const config = Buffer.from("{}");
    const layer = randomBytes(100);
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST_TYPE,
        config: { mediaType: "application/vnd.oci.empty.v1+json", digest: await pushBlob(name, config), size: 2 },
        layers: [{ mediaType: "application/octet-stream", digest: await pushBlob(name, layer), size: 100 }],
        ...extra,
      }),
    );
    const digest = sha256(manifest);
    const answer = await ask("PUT", `/v2/${name}/manifests/${reference ?? digest}`, {
      body: manifest,
      headers: { "content-type": MANIFEST_TYPE },
    });
    if (answer.status !== 201) throw new Error(`pushing an image: ${answer.status} ${await answer.text()}`);
    return digest;
  };
  return {
    root,
    registry,
    errors,
    ask,
    pushBlob,
    pushImage,
    [Symbol.asyncDispose]: async () => {
      await registry.stop(0);
      if (options.root === undefined) rmSync(root, { recursive: true, force: true });
    },
  };
}

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The codes of an answer that is an error. */
export async function codesOf(answer: Response): Promise<readonly string[]> {
  const { errors } = (await answer.json()) as { errors: { code: string }[] };
  return errors.map(({ code }) => code);
}

/** OCI layouts that tests change by hand: read documents, put blobs, name images. Nothing of ours is used. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface JsonDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface JsonManifest {
  readonly config: JsonDescriptor;
  readonly layers: readonly JsonDescriptor[];
}

const REF_NAME = "org.opencontainers.image.ref.name";

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function readIndex(layout: string): { readonly manifests: readonly JsonDescriptor[] } {
  return JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as { manifests: JsonDescriptor[] };
}

export function readBlob(layout: string, digest: string): Buffer {
  return readFileSync(join(layout, "blobs", ...digest.split(":")));
}

export function readJson<T>(layout: string, digest: string): T {
  return JSON.parse(readBlob(layout, digest).toString()) as T;
}

export function putBlob(layout: string, mediaType: string, bytes: Uint8Array): JsonDescriptor {
  const hex = sha256(bytes);
  writeFileSync(join(layout, "blobs", "sha256", hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}

export function putJson(layout: string, mediaType: string, value: unknown): JsonDescriptor {
  return putBlob(layout, mediaType, Buffer.from(JSON.stringify(value)));
}

/** index.json with one image, named. */
export function nameImage(layout: string, descriptor: JsonDescriptor, tag: string): void {
  const manifests = [{ ...descriptor, annotations: { [REF_NAME]: tag } }];
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

/**
 * Small OCI layouts made by hand, byte by byte and with nothing of ours: what the bad-input tests spoil, and what boots
 * nowhere but deploys everywhere.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

export interface TarItem {
  readonly path: string;
  readonly type?: "file" | "directory" | "symlink" | "hardlink";
  readonly data?: string | Uint8Array;
  readonly target?: string;
  readonly mode?: number;
}

/** A ustar archive. */
export function tarOf(items: readonly TarItem[]): Buffer {
  const blocks: Buffer[] = [];
  for (const item of items) {
    const data = Buffer.from(item.data ?? "");
    const header = Buffer.alloc(512);
    const type = { file: "0", hardlink: "1", symlink: "2", directory: "5" }[item.type ?? "file"];
    header.write(item.path, 0, 100);
    header.write(`${(item.mode ?? (type === "5" ? 0o755 : 0o644)).toString(8).padStart(7, "0")}\0`, 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${data.length.toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write(type, 156);
    header.write(item.target ?? "", 157, 100);
    header.write("ustar\x0000", 257);
    let sum = 0;
    for (const byte of header) sum += byte;
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    blocks.push(header, data, Buffer.alloc((512 - (data.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export interface TinyImageOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly architecture?: string;
  readonly tag?: string;
  /** Changes the compressed blob after its digest was taken. */
  readonly spoil?: (blob: Buffer) => Buffer;
  /** Uses another diffId than the right one. */
  readonly wrongDiffId?: boolean;
}

/** Files of a system that passes every check and has a fake kernel. */
export const TINY_SYSTEM: readonly TarItem[] = [
  { path: "usr/", type: "directory" },
  { path: "etc/", type: "directory" },
  { path: "etc/conf", data: "default\n" },
  { path: "var/", type: "directory" },
  { path: "sysroot/", type: "directory" },
  { path: "boot/", type: "directory" },
  { path: "ostree", type: "symlink", target: "sysroot/ostree", mode: 0o777 },
  { path: "usr/lib/modules/6.1/vmlinuz", data: "fake kernel\n" },
  { path: "usr/lib/modules/6.1/initramfs.img", data: "fake initramfs\n" },
  { path: "usr/lib/ostree/prepare-root.conf", data: "[sysroot]\nreadonly=true\n" },
  { path: "usr/lib/os-release", data: 'ID=tiny\nPRETTY_NAME="Tiny OS"\n' },
  { path: "usr/lib/tmpfiles.d/x.conf", data: "# none\n" },
  { path: "usr/lib/shim/shimx64.efi.signed", data: "fake shim\n" },
  { path: "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", data: "fake grub\n" },
  { path: "usr/bin/app", data: "app\n", mode: 0o755 },
];

/** Writes a layout with one image of these layers; returns its reference for the command line. */
export function tinyImage(
  folder: string,
  layers: readonly (readonly TarItem[] | Buffer)[],
  options: TinyImageOptions = {},
): string {
  const blobs = join(folder, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const put = (bytes: Buffer, stored: Buffer = bytes): { digest: string; size: number } => {
    const digest = digestOf(bytes);
    writeFileSync(join(blobs, digest.slice(7)), stored);
    return { digest, size: bytes.length };
  };
  const tars = layers.map((layer) => (Buffer.isBuffer(layer) ? layer : tarOf(layer as readonly TarItem[])));
  const layerDescriptors = tars.map((tar) => {
    const blob = gzipSync(tar);
    return { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ...put(blob, options.spoil?.(blob) ?? blob) };
  });
  const config = Buffer.from(
    JSON.stringify({
      architecture: options.architecture ?? "amd64",
      os: "linux",
      created: "2024-01-02T03:04:05Z",
      config: { Labels: options.labels ?? { "containers.bootc": "1" } },
      rootfs: {
        type: "layers",
        diff_ids: tars.map((tar) => (options.wrongDiffId === true ? digestOf(Buffer.from("other")) : digestOf(tar))),
      },
      history: tars.map(() => ({ created_by: "test" })),
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...put(config) },
      layers: layerDescriptors,
    }),
  );
  const tag = options.tag ?? "latest";
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        ...put(manifest),
        annotations: { "org.opencontainers.image.ref.name": tag },
      },
    ],
  };
  writeFileSync(join(folder, "index.json"), JSON.stringify(index));
  writeFileSync(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  return `oci:${folder}:${tag}`;
}

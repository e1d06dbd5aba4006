/**
 * Small OCI layouts made by hand, byte by byte and with nothing of ours: what the bad-input tests spoil, and what boots
 * nowhere but deploys everywhere.
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";

export interface TarItem {
  /** One byte a character, as in ByteString; longer ones than 100 bytes become GNU long names. */
  readonly path: string;
  readonly type?: "file" | "directory" | "symlink" | "hardlink";
  readonly data?: string | Uint8Array;
  readonly target?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Raw values by name. */
  readonly xattrs?: Readonly<Record<string, Uint8Array>>;
}

/** A ustar archive, with GNU long names and PAX extended attributes where items need them. */
export function tarOf(items: readonly TarItem[]): Buffer {
  const blocks: Buffer[] = [];
  for (const item of items) {
    if (item.path.length > 100)
      blocks.push(...member({ path: "././@LongLink" }, "L", Buffer.from(`${item.path}\0`, "latin1")));
    if (item.xattrs !== undefined) blocks.push(...member({ path: "pax" }, "x", paxXattrs(item.xattrs)));
    const type = { file: "0", hardlink: "1", symlink: "2", directory: "5" }[item.type ?? "file"];
    blocks.push(...member(item, type, Buffer.from(item.data ?? "")));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function member(item: TarItem, type: string, data: Buffer): Buffer[] {
  const header = Buffer.alloc(512);
  header.write(item.path.slice(0, 100), 0, 100, "latin1");
  header.write(`${octal(item.mode ?? (type === "5" ? 0o755 : 0o644), 7)}\0`, 100);
  header.write(`${octal(item.uid ?? 0, 7)}\0`, 108);
  header.write(`${octal(item.gid ?? 0, 7)}\0`, 116);
  header.write(`${octal(data.length, 11)}\0`, 124);
  header.write("00000000000\0", 136);
  header.write("        ", 148);
  header.write(type, 156);
  header.write(item.target ?? "", 157, 100, "latin1");
  header.write("ustar\x0000", 257);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${octal(sum, 6)}\0 `, 148);
  return [header, data, Buffer.alloc((512 - (data.length % 512)) % 512)];
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function paxXattrs(xattrs: Readonly<Record<string, Uint8Array>>): Buffer {
  const records = Object.entries(xattrs).map(([name, value]) => {
    const body = Buffer.concat([Buffer.from(` SCHILY.xattr.${name}=`), value, Buffer.from("\n")]);
    let length = body.length + 1;
    while (String(length).length + body.length !== length) length += 1;
    return Buffer.concat([Buffer.from(String(length)), body]);
  });
  return Buffer.concat(records);
}

export interface TinyImageOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly architecture?: string;
  readonly tag?: string;
  /** Changes the compressed blob after its digest was taken. */
  readonly spoil?: (blob: Buffer) => Buffer;
  /** Uses another diffId than the right one. */
  readonly wrongDiffId?: boolean;
  /** Of each layer; gzip unless told otherwise. */
  readonly compression?: readonly Compression[];
  /** Further members of the image's config. */
  readonly config?: Readonly<Record<string, unknown>>;
}

export type Compression = "gzip" | "zstd" | "none";

const COMPRESS: Readonly<Record<Compression, (tar: Buffer) => Buffer>> = {
  gzip: (tar) => gzipSync(tar, { level: 1 }),
  zstd: (tar) => zstdCompressSync(tar),
  none: (tar) => tar,
};
const LAYER_SUFFIX: Readonly<Record<Compression, string>> = { gzip: "+gzip", zstd: "+zstd", none: "" };

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
  const tars = layers.map((layer) => (Buffer.isBuffer(layer) ? layer : tarOf(layer)));
  const layerDescriptors = tars.map((tar, index) => {
    const compression = options.compression?.[index] ?? "gzip";
    const blob = COMPRESS[compression](tar);
    return {
      mediaType: `application/vnd.oci.image.layer.v1.tar${LAYER_SUFFIX[compression]}`,
      ...put(blob, options.spoil?.(blob) ?? blob),
    };
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
      ...options.config,
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

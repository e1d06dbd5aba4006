/** Layers that are well-formed archives of nonsense: names, types, links, owners and contents at random. */
import { integer, pick, type Random } from "../../support/random.ts";
import type { TarItem } from "../../support/tiny-image.ts";
import { mutateBytes } from "./mutate.ts";

const PARTS = [
  "usr",
  "etc",
  "lib",
  "modules",
  "6.1",
  "var",
  "..",
  ".",
  "",
  "ostree",
  "boot",
  "sysroot",
  "x".repeat(255),
];
const NAMES = [
  "vmlinuz",
  ".wh.vmlinuz",
  ".wh..wh..opq",
  ".wh.",
  "os-release",
  "initramfs.img",
  "\xff",
  "a\nb",
  "x".repeat(256),
];
const TYPES = ["file", "directory", "symlink", "hardlink"] as const;
const XATTRS = [
  "security.capability",
  "security.selinux",
  "user.x",
  "trusted.overlay.opaque",
  "",
  "system.posix_acl_access",
  "nonsense",
];

/** `count` layers on the ground of a sound system. */
export function damagedItems(random: Random, system: readonly TarItem[]): TarItem[][] {
  const layers: TarItem[][] = [[...system]];
  while (layers.length < 3 && random() < 0.4) layers.push([pick(random, system)]);
  for (let edits = 1 + integer(random, 8); edits > 0; edits--) {
    const layer = pick(random, layers);
    const at = integer(random, layer.length + 1);
    const old = layer[at] ?? pick(random, system);
    const changed = pick(random, ITEM_EDITS)(random, old, system);
    layer.splice(at, random() < 0.5 ? 1 : 0, ...changed);
  }
  // Only files have data: what else would follow a header is no header.
  return layers.map((layer) => layer.map((item) => ((item.type ?? "file") === "file" ? item : { ...item, data: "" })));
}

type ItemEdit = (random: Random, item: TarItem, system: readonly TarItem[]) => TarItem[];

const ITEM_EDITS: readonly ItemEdit[] = [
  () => [],
  (_, item) => [item, item],
  (random, item) => [{ ...item, type: pick(random, TYPES) }],
  (random, item, system) => [{ ...item, path: somePath(random, system) }],
  (random, item, system) => [{ ...item, type: pick(random, TYPES), target: somePath(random, system) }],
  (random, item, system) => [
    { path: somePath(random, system), type: "symlink", target: somePath(random, system), mode: item.mode ?? 0 },
  ],
  (random, item) => [{ ...item, data: mutateBytes(random, Buffer.from(item.data ?? "text\n")) }],
  (random, item) => [{ ...item, data: Buffer.alloc(pick(random, [0, 1, 4096, 1_500_000]), "x=y\n") }],
  (random, item) => [
    { ...item, mode: integer(random, 0o10000), uid: integer(random, 2 ** 21), gid: integer(random, 2 ** 21) },
  ],
  (random, item) => [{ ...item, xattrs: { [pick(random, XATTRS)]: mutateBytes(random, Buffer.alloc(20, 1)) } }],
  (random, item) => [{ ...item, xattrs: { "user.big": Buffer.alloc(integer(random, 70_000), 7) } }],
];

function somePath(random: Random, system: readonly TarItem[]): string {
  const known = pick(random, system).path;
  const kind = integer(random, 4);
  if (kind === 0) return known;
  if (kind === 1)
    return known
      .split("/")
      .slice(0, 1 + integer(random, 4))
      .join("/");
  if (kind === 2) return `${known.replace(/[^/]*$/, "")}${pick(random, NAMES)}`;
  return Array.from({ length: 1 + integer(random, 5) }, () => pick(random, [...PARTS, ...NAMES])).join("/");
}

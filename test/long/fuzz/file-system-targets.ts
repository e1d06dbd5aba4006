/** Disks and file systems as they come from outside: qcow2, GPT and ext4 with damage in their metadata. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentBytes, contentOf, MemorySource, placeContents } from "../../../src/base/io/index.ts";
import { encodeAll } from "../../../src/disk/index.ts";
import { Ext4Reader, layoutExt4 } from "../../../src/formats/ext4/index.ts";
import { layoutGpt, readGpt } from "../../../src/formats/gpt/index.ts";
import { readQcow2 } from "../../../src/formats/qcow2/index.ts";
import { directory, file, symlink } from "../../../src/tree/index.ts";
import { integer, noise, pick } from "../../support/random.ts";
import { filledPlaces, mutateAt, mutateBytes, sealGpt } from "./mutate.ts";
import { readAll } from "./read-all.ts";
import type { Target } from "./targets.ts";

const MIB = 1024 ** 2;
const CLUSTER_BYTES = 65_536;
const UUID = Buffer.from("0123456789abcdef8123456789abcdef", "hex");

async function qcow2Target(): Promise<Target> {
  const folder = mkdtempSync(join(tmpdir(), "slipway-fuzz-"));
  const disk = placeContents(2 * MIB, [
    { at: 3, content: contentOf(noise(200_000, 1)) },
    { at: MIB, content: contentOf(Buffer.alloc(300_000, "text ")) },
  ]);
  const files = await encodeAll(
    disk,
    (["none", "zlib", "zstd"] as const).map((compress) => ({
      format: "qcow2",
      path: join(folder, compress),
      compress,
    })),
  );
  const images = files.map(({ path }) => readFileSync(path));
  const places = images.map((image) => filledPlaces(image, 0, image.length).filter((at) => isMetadata(image, at)));
  rmSync(folder, { recursive: true });
  return {
    input: (random) => {
      const which = integer(random, images.length);
      const bytes = images[which] as Buffer;
      // Header and tables, which are a small part: the first clusters.
      if (random() < 0.6) return mutateAt(random, bytes, places[which] ?? []);
      return random() < 0.7
        ? headDamaged(bytes, 65_536 * 4, (part) => mutateBytes(random, part))
        : mutateBytes(random, bytes);
    },
    run: async (input) => {
      await readAll((await readQcow2(new MemorySource(input))).content);
    },
  };
}

/** In the cluster of the header, or in one that is nearly empty, as tables are. */
function isMetadata(image: Buffer, at: number): boolean {
  const cluster = Math.floor(at / CLUSTER_BYTES) * CLUSTER_BYTES;
  return cluster === 0 || image.readUInt32BE(Math.min(cluster + CLUSTER_BYTES, image.length) - 4) === 0;
}

function headDamaged(bytes: Buffer, length: number, damage: (part: Buffer) => Buffer): Buffer {
  return Buffer.concat([damage(bytes.subarray(0, length)), bytes.subarray(length)]);
}

async function gptTarget(): Promise<Target> {
  const table = layoutGpt({
    diskSizeBytes: MIB,
    diskGuid: "11111111-2222-4333-8444-555555555555",
    partitions: [1, 2, 3].map((number) => ({
      typeGuid: "0fc63daf-8483-4772-8e79-3d69d8477de4",
      guid: `11111111-2222-4333-8444-55555555555${number}`,
      name: `part ${number}`,
      startLba: 100 * number,
      sizeSectors: 50,
    })),
  });
  const disk = Buffer.from(await contentBytes(placeContents(MIB, table), MIB));
  const places = filledPlaces(disk, 512, 34 * 512);
  return {
    input: (random) => {
      const bytes =
        random() < 0.7
          ? mutateAt(random, disk, places)
          : headDamaged(disk, 34 * 512, (part) => mutateBytes(random, part));
      return random() < 0.8 ? sealGpt(bytes) : bytes;
    },
    run: async (input) => {
      await readGpt(new MemorySource(input));
    },
  };
}

async function ext4Target(): Promise<Target> {
  const many = Array.from({ length: 300 }, (_, index) => [`name-${index}`, file(contentOf(noise(index, 3)))] as const);
  const xattrs = [{ name: "user.x", value: noise(300, 4) }];
  const root = directory({ xattrs }, [
    ["many", directory({}, many)],
    ["file", file(contentOf(noise(50_000, 5)), { xattrs })],
    ["link", symlink("x".repeat(100))],
    ["short", symlink("many")],
    ["deep", directory({}, [["er", directory({}, [["file", file(contentOf(noise(10, 6)))]])]])],
  ]);
  const sizeBytes = 6 * MIB;
  const content = layoutExt4(root, { sizeBytes, uuid: UUID, hashSeed: UUID, epochSeconds: 1 });
  const image = Buffer.from(await contentBytes(content, sizeBytes));
  const metadata = content.extents.filter(({ source }) => source.sizeBytes !== 50_000);
  const places = metadata.flatMap(({ at, length }) => filledPlaces(image, at, at + length));
  return {
    input: (random) => {
      if (random() < 0.1) return mutateBytes(random, image);
      if (random() < 0.8) return mutateAt(random, image, places);
      const bytes = Buffer.from(image);
      for (let edits = random() < 0.5 ? 1 : 4; edits > 0; edits--) {
        const { at, length } = pick(random, metadata);
        const damaged = mutateBytes(random, bytes.subarray(at, at + length));
        damaged.copy(bytes, at, 0, Math.min(damaged.length, length));
      }
      return bytes;
    },
    run: async (input) => {
      const reader = await Ext4Reader.open(new MemorySource(input));
      // A directory within itself is for the caller to notice.
      const seen = new Set<number>();
      const pending = [await reader.root()];
      for (let inode = pending.pop(); inode !== undefined; inode = pending.pop()) {
        if (seen.has(inode.number)) continue;
        seen.add(inode.number);
        await reader.xattrs(inode);
        if (inode.type === "directory") {
          for (const entry of await reader.entries(inode)) pending.push(await reader.inode(entry.inode));
        } else if (inode.type === "symlink") await reader.symlinkTarget(inode);
        else if (inode.type === "file") await readAll(await reader.content(inode));
      }
    },
  };
}

export const FILE_SYSTEM_TARGETS: Readonly<Record<string, () => Promise<Target>>> = {
  qcow2: qcow2Target,
  gpt: gptTarget,
  ext4: ext4Target,
};

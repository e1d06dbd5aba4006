/** What tests do with finished disks: find partitions with sfdisk, mount them, list trees. */
import { run, type TempFolder } from "./tools.ts";

export interface PartitionOnDisk {
  readonly name: string;
  readonly type: string;
  readonly startBytes: number;
  readonly sizeBytes: number;
}

/** The partition table as sfdisk reads it. */
export async function partitionsOf(disk: string): Promise<PartitionOnDisk[]> {
  const { stdout } = await run("sfdisk", ["--json", disk]);
  const table = JSON.parse(stdout) as {
    partitiontable: { sectorsize: number; partitions: { name: string; type: string; start: number; size: number }[] };
  };
  const { sectorsize, partitions } = table.partitiontable;
  return partitions.map(({ name, type, start, size }) => ({
    name,
    type,
    startBytes: start * sectorsize,
    sizeBytes: size * sectorsize,
  }));
}

/** Copies a partition out of a raw disk, sparsely; returns the file. */
export async function extractPartition(disk: string, name: string, folder: TempFolder): Promise<string> {
  const partition = (await partitionsOf(disk)).find((each) => each.name === name);
  if (partition === undefined) throw new Error(`${disk} has no partition ${name}`);
  const file = folder.join(`${name}.img`);
  await run("dd", [
    `if=${disk}`,
    `of=${file}`,
    "bs=1M",
    "iflag=skip_bytes,count_bytes",
    `skip=${partition.startBytes}`,
    `count=${partition.sizeBytes}`,
    "conv=sparse",
    "status=none",
  ]);
  await run("truncate", ["-s", String(partition.sizeBytes), file]);
  return file;
}

/**
 * Mounts a file system image (needs root) and unmounts it with the scope. By a loop device of its own: `mount -o loop`
 * takes the one that is there already, and a mount namespace of another test may keep that one, read-only, for a while.
 */
export async function mountImage(
  image: string,
  folder: TempFolder,
  mode: "ro" | "rw" = "ro",
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = folder.join(`mount-${mode}`);
  await run("mkdir", ["-p", path]);
  const readOnly = mode === "ro" ? ["--read-only"] : [];
  const device = (await run("losetup", ["--find", "--show", ...readOnly, image])).stdout.trim();
  const detach = async (): Promise<void> => void (await run("losetup", ["--detach", device]));
  await run("mount", ["-o", mode, device, path]).catch(async (error: unknown) => {
    await detach();
    throw error;
  });
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run("umount", [path]);
      await detach();
    },
  };
}

/**
 * Every path below a folder with type, mode, owner, link count, size, link target, xattrs and content hash: one line a
 * path, sorted. Made by find, getfattr and sha256sum, none of it ours.
 */
export async function listTree(folder: string, options: { readonly linkCounts?: boolean } = {}): Promise<string[]> {
  const format = `%P\\t%y %m %U:%G ${options.linkCounts === true ? "%n " : ""}%l\\n`;
  const listing = await run("find", [folder, "-mindepth", "1", "-printf", format], {
    maxOutputBytes: 256 * 1024 * 1024,
  });
  const hashes = await run(
    "sh",
    [
      "-c",
      `cd "$0" && find . -type f -size +0 -print0 | xargs -0 -r sha256sum | sed 's/^\\(\\S*\\)  \\.\\//\\1\\t/'`,
      folder,
    ],
    {
      maxOutputBytes: 256 * 1024 * 1024,
    },
  );
  const xattrs = await run("sh", ["-c", `cd "$0" && getfattr -R -h -d -m - -e hex . 2>/dev/null || true`, folder], {
    maxOutputBytes: 64 * 1024 * 1024,
  });
  const lines = listing.stdout.split("\n").filter((line) => line !== "");
  const hashLines = hashes.stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => `hash ${line.split("\t").reverse().join("\t")}`);
  const xattrLines = xattrs.stdout
    .split("\n\n")
    .filter((block) => block.trim() !== "")
    .map((block) => `xattr ${block.trim().replaceAll("\n", " ")}`);
  return [...lines, ...hashLines, ...xattrLines].sort();
}

// Partition tables of ours, judged by sgdisk, sfdisk and growpart's way of moving the backup.
import { truncateSync } from "node:fs";
import { describe, expect } from "vitest";
import { deriveUuid } from "../../src/base/bytes/index.ts";
import { FileSource, placeContents } from "../../src/base/io/index.ts";
import { ATTRIBUTES, type GptTable, layoutGpt, PARTITION_TYPES, readGpt } from "../../src/formats/gpt/index.ts";
import { oracle, run, tempDir } from "../support/tools.ts";
import { writeContent } from "../support/write-content.ts";

const MIB = 1024 * 1024;

const TABLE: GptTable = {
  diskSizeBytes: 100 * MIB,
  diskGuid: deriveUuid("oracle", "disk"),
  partitions: [
    {
      typeGuid: PARTITION_TYPES.biosBoot,
      guid: deriveUuid("oracle", "1"),
      name: "BIOS-BOOT",
      startLba: 2048,
      sizeSectors: 2048,
      attributes: ATTRIBUTES.legacyBootable,
    },
    {
      typeGuid: PARTITION_TYPES.efiSystem,
      guid: deriveUuid("oracle", "2"),
      name: "EFI-SYSTEM",
      startLba: 4096,
      sizeSectors: 66 * 2048,
    },
    {
      typeGuid: PARTITION_TYPES.rootX86_64,
      guid: deriveUuid("oracle", "3"),
      name: "root",
      startLba: 139264,
      sizeSectors: 30 * 2048,
    },
  ],
};

async function writeTable(path: string, table: GptTable): Promise<void> {
  await writeContent(path, placeContents(table.diskSizeBytes, layoutGpt(table)));
}

interface SfdiskTable {
  readonly partitiontable: {
    readonly label: string;
    readonly id: string;
    readonly partitions: readonly {
      start: number;
      size: number;
      type: string;
      uuid: string;
      name: string;
      attrs?: string;
    }[];
  };
}

describe("partition tables", () => {
  oracle(
    "sgdisk",
    "have no problems by sgdisk, small and beyond 2 TiB",
    async () => {
      using folder = tempDir();
      for (const diskSizeBytes of [TABLE.diskSizeBytes, 3 * 1024 * 1024 * MIB]) {
        const path = folder.join(`${diskSizeBytes}.raw`);
        await writeTable(path, { ...TABLE, diskSizeBytes });
        const { stdout } = await run("sgdisk", ["-v", path]);
        expect(stdout).toContain("No problems found");
      }
    },
    { proves: "both copies of our GPT are sound" },
  );

  oracle(
    "sfdisk",
    "read as they were planned by sfdisk",
    async () => {
      using folder = tempDir();
      const path = folder.join("disk.raw");
      await writeTable(path, TABLE);
      const { stdout } = await run("sfdisk", ["--json", path]);
      const { partitiontable } = JSON.parse(stdout) as SfdiskTable;
      expect(partitiontable).toMatchObject({ label: "gpt", id: TABLE.diskGuid.toUpperCase() });
      expect(partitiontable.partitions).toMatchObject(
        TABLE.partitions.map((partition) => ({
          start: partition.startLba,
          size: partition.sizeSectors,
          type: partition.typeGuid.toUpperCase(),
          uuid: partition.guid.toUpperCase(),
          name: partition.name,
        })),
      );
      expect(partitiontable.partitions.map(({ attrs }) => attrs)).toEqual(["LegacyBIOSBootable", undefined, undefined]);
    },
    { proves: "sfdisk reads our GPT as planned" },
  );

  oracle(
    "sgdisk",
    "grow with their disk: backup moved, last partition extended",
    async () => {
      using folder = tempDir();
      const path = folder.join("disk.raw");
      await writeTable(path, TABLE);
      truncateSync(path, 200 * MIB);
      await run("sgdisk", [
        "-e",
        "-d",
        "3",
        "-n",
        "3:139264:0",
        "-c",
        "3:root",
        "-t",
        `3:${PARTITION_TYPES.rootX86_64}`,
        path,
      ]);
      expect((await run("sgdisk", ["-v", path])).stdout).toContain("No problems found");
      using disk = FileSource.open(path);
      const table = await readGpt(disk);
      expect(table.diskGuid).toBe(TABLE.diskGuid);
      expect(table.partitions).toHaveLength(3);
      expect(table.partitions[2]).toMatchObject({ name: "root", startLba: 139264 });
      expect((table.partitions[2]?.sizeSectors ?? 0) * 512).toBeGreaterThan(130 * MIB);
    },
    { proves: "a disk made bigger can take its partitions along" },
  );

  oracle(
    "sgdisk",
    "of sgdisk are read by our reader",
    async () => {
      using folder = tempDir();
      const path = folder.join("disk.raw");
      await writeContent(path, { sizeBytes: 64 * MIB, extents: [] });
      await run("sgdisk", ["-n", "1:2048:4095", "-c", "1:Größe", "-n", "5:8192:0", "-A", "5:set:60", path]);
      using disk = FileSource.open(path);
      const table = await readGpt(disk);
      expect(table.partitions).toMatchObject([
        { number: 1, name: "Größe", startLba: 2048, sizeSectors: 2048, attributes: 0n },
        { number: 5, startLba: 8192, attributes: ATTRIBUTES.readOnly, typeGuid: PARTITION_TYPES.linux },
      ]);
    },
    { proves: "our GPT reader reads what others write" },
  );
});

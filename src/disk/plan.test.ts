import { describe, expect, it } from "vitest";
import { findArchitecture } from "../image/index.ts";
import { deriveDiskIds } from "./ids.ts";
import { type DiskPlan, type DiskSizeOptions, planDisk } from "./plan.ts";

const MIB = 1024 * 1024;

function plan(oci: string, sizes: DiskSizeOptions = {}, contentBytes = 400 * MIB): DiskPlan {
  const architecture = findArchitecture(oci);
  if (architecture === undefined) throw new Error(`${oci} is not known`);
  return planDisk({
    architecture,
    ids: deriveDiskIds("seed"),
    contentBytes,
    minimalRootBytes: contentBytes + 20 * MIB,
    ...sizes,
  });
}

describe("disk plan", () => {
  it("is bootc's layout with root last", () => {
    const disk = plan("amd64");
    expect(disk.partitions.map(({ name, startBytes, sizeBytes }) => [name, startBytes / MIB, sizeBytes / MIB])).toEqual(
      [
        ["BIOS-BOOT", 1, 1],
        ["EFI-SYSTEM", 2, 512],
        ["root", 514, 1024],
      ],
    );
    expect(disk.sizeBytes / MIB).toBe(514 + 1024 + 1);
    expect(plan("arm64").partitions.map((each) => each.name)).toEqual(["EFI-SYSTEM", "root"]);
  });
  it("rounds content × 1.25 + 512 MiB up to 64 MiB", () => {
    expect((plan("arm64", {}, 411 * MIB).partitions.at(-1)?.sizeBytes ?? 0) / MIB).toBe(1088);
  });
  it("takes a size for the disk or for root", () => {
    expect(plan("amd64", { sizeBytes: 4096 * MIB }).sizeBytes).toBe(4096 * MIB);
    expect(plan("amd64", { rootSizeBytes: 3000 * MIB }).partitions.at(-1)?.sizeBytes).toBe(3000 * MIB);
  });
  it("says how much is needed when that is too small", () => {
    expect(() => plan("amd64", { sizeBytes: 800 * MIB })).toThrow(
      /--size leaves 285 MiB for the root file system, which needs 420 MiB/,
    );
    expect(() => plan("amd64", { rootSizeBytes: 1 })).toThrow(/--root-size/);
    expect(() => plan("amd64", { rootSizeBytes: 1, sizeBytes: 1 })).toThrow(/both --size and --root-size/);
  });
  it("derives every id from the seed, all different", () => {
    const ids = Object.values(deriveDiskIds("seed"));
    expect(new Set(ids).size).toBe(ids.length);
    expect(deriveDiskIds("seed")).toEqual(deriveDiskIds("seed"));
    expect(deriveDiskIds("other").disk).not.toBe(deriveDiskIds("seed").disk);
  });
});

/** What ext4's oracles share: fixed options, writing an image, e2fsck without a complaint. */
import { expect } from "vitest";
import { type Ext4Options, layoutExt4 } from "../../src/formats/ext4/index.ts";
import type { DirectoryInode } from "../../src/tree/index.ts";
import { asRoot, type Requirement, run } from "../support/tools.ts";
import { writeContent } from "../support/write-content.ts";

export const MIB: number = 2 ** 20;
export const GIB: number = 2 ** 30;

export const OPTIONS: Ext4Options = {
  sizeBytes: 256 * MIB,
  uuid: Buffer.from("0123456789abcdef8123456789abcdef", "hex"),
  hashSeed: Buffer.from("fedcba98765443218fedcba987654321", "hex"),
  label: "root",
  epochSeconds: 1_700_000_000,
};

/** For tests that mount and compare. */
export const MOUNT: readonly (string | Requirement)[] = [asRoot, "mount", "getfattr", "e2fsck"];

export async function make(path: string, root: DirectoryInode, options: Partial<Ext4Options> = {}): Promise<void> {
  await writeContent(path, layoutExt4(root, { ...OPTIONS, ...options }));
}

/** Exit code 0 and none of the lines that report a finding. */
export async function expectClean(image: string): Promise<void> {
  const { stdout } = await run("e2fsck", ["-fn", image]);
  const findings = stdout.split("\n").filter((line) => line !== "" && !/^Pass [1-5]|^\S+: \d+\/\d+ files/.test(line));
  expect(findings).toEqual([]);
}

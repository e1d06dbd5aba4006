/** RUN steps of arm64 programs by emulation. */
import { existsSync, readdirSync } from "node:fs";
import { expect } from "vitest";
import { succeeded, type Workbench } from "./build-workbench.ts";

const FORMATS = "/proc/sys/fs/binfmt_misc";

const formats = (): string[] => (existsSync(FORMATS) ? readdirSync(FORMATS).toSorted() : []);

/** Builds a Containerfile for arm64; no handler may be left behind on this machine. */
export async function buildForArm64(bench: Workbench, lines: readonly string[]): Promise<void> {
  const before = formats();
  const args = ["--platform", "linux/arm64"];
  succeeded(await bench.build({ Containerfile: lines.join("\n") }, "localhost/arm:1", { args }));
  expect((await bench.image("localhost/arm:1")).config.platform.architecture).toBe("arm64");
  expect(formats()).toEqual(before);
}

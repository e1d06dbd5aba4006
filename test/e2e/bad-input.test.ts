/** Bad input: a clear error, exit 1, nothing at the output's place, the old output untouched. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { slipway, type SlipwayOptions } from "../support/slipway.ts";
import { TINY_SYSTEM, type TarItem, tinyImage, type TinyImageOptions, tarOf } from "../support/tiny-image.ts";
import { asRoot, oracle, run, tempDir } from "../support/tools.ts";

function without(path: string): TarItem[] {
  return TINY_SYSTEM.filter((item) => item.path !== path);
}

interface BadCase {
  readonly name: string;
  readonly layers?: readonly (readonly TarItem[] | Buffer)[];
  readonly image?: TinyImageOptions;
  readonly args?: readonly string[];
  readonly message: RegExp;
}

const CASES: readonly BadCase[] = [
  {
    name: "no kernel",
    layers: [without("usr/lib/modules/6.1/vmlinuz")],
    message: /no usr\/lib\/modules\/VERSION\/vmlinuz/,
  },
  {
    name: "two kernels",
    layers: [[...TINY_SYSTEM, { path: "usr/lib/modules/6.2/vmlinuz", data: "k" }]],
    message: /has 2 \(6\.1, 6\.2\), want exactly one/,
  },
  { name: "no label", image: { labels: {} }, message: /neither the label containers\.bootc/ },
  { name: "an architecture we cannot boot", image: { architecture: "riscv64" }, message: /riscv64/ },
  { name: "another architecture than asked", args: ["--arch", "arm64"], message: /arm64/ },
  {
    name: "no boot loader",
    layers: [without("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed")],
    message: /no GRUB for UEFI/,
  },
  {
    name: "no prepare-root.conf",
    layers: [without("usr/lib/ostree/prepare-root.conf")],
    message: /prepare-root\.conf/,
  },
  {
    name: "a truncated layer",
    image: { spoil: (blob) => blob.subarray(0, blob.length - 20) },
    message: /sha256:[0-9a-f]{12}/,
  },
  {
    name: "a corrupt layer",
    image: {
      spoil: (blob) => Buffer.concat([blob.subarray(0, 40), Buffer.from([(blob[40] ?? 0) ^ 0xff]), blob.subarray(41)]),
    },
    message: /sha256:[0-9a-f]{12}/,
  },
  {
    name: "a layer that is longer than its descriptor",
    image: { spoil: (blob) => Buffer.concat([blob, Buffer.from("more")]) },
    message: /sha256:[0-9a-f]{12}/,
  },
  { name: "a wrong diffId", image: { wrongDiffId: true }, message: /sha256:[0-9a-f]{12}/ },
  { name: "a path that escapes", layers: [[...TINY_SYSTEM, { path: "../outside", data: "x" }]], message: /\.\./ },
  { name: "too many entries", args: ["--max-entries", "5"], message: /--max-entries/ },
  { name: "a path over the cap", args: ["--max-path-bytes", "10"], message: /--max-path-bytes/ },
  { name: "a file over the cap", args: ["--max-entry-bytes", "5"], message: /--max-entry-bytes/ },
  { name: "too much in total", args: ["--max-total-bytes", "20"], message: /--max-total-bytes/ },
  { name: "a disk that is too small", args: ["--size", "515M"], message: /--size leaves/ },
  { name: "a truncated tar", layers: [tarOf(TINY_SYSTEM).subarray(0, 3000)], message: /3000|3072|offset/ },
];

describe("bad input", () => {
  it.each(CASES)("$name", async ({ layers, image, args, message }) => {
    using folder = tempDir();
    const reference = tinyImage(folder.join("layout"), layers ?? [TINY_SYSTEM], image);
    const output = folder.join("out");
    mkdirSync(output);
    writeFileSync(`${output}/disk.qcow2`, "the old disk");
    const outcome = await create(reference, output, args ?? [], { env: { SLIPWAY_STORE: folder.join("store") } });
    expect(outcome.exitCode, outcome.stderr).toBe(1);
    expect(outcome.stderr).toMatch(message);
    expect(outcome.stderr).not.toContain("this is a bug");
    expect(readdirSync(output)).toEqual(["disk.qcow2"]);
    expect(readFileSync(`${output}/disk.qcow2`, "utf8")).toBe("the old disk");
  });

  it("a layout that is not there, or no layout", async () => {
    using folder = tempDir();
    for (const path of [folder.join("nowhere"), folder.path]) {
      const outcome = await create(`oci:${path}`, folder.join("out"), [], {
        env: { SLIPWAY_STORE: folder.join("store") },
      });
      expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(path) });
      expect(outcome.stderr).not.toContain("this is a bug");
    }
  });

  oracle(
    [asRoot, "mount"],
    "an output directory that is full",
    async () => {
      using folder = tempDir();
      const reference = tinyImage(folder.join("layout"), [
        [...TINY_SYSTEM, { path: "usr/big", data: noise(6 * 1024 * 1024) }],
      ]);
      await withTmpfs(folder.join("small"), "size=4m", async (small) => {
        const outcome = await create(reference, small, ["--type", "raw,qcow2"], {
          env: { SLIPWAY_STORE: folder.join("store") },
        });
        expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/full \(ENOSPC\)/) });
        expect(readdirSync(small)).toEqual([]);
      });
    },
    { proves: "a full disk leaves nothing" },
  );

  oracle(
    [asRoot, "mount"],
    "a store that is full",
    async () => {
      using folder = tempDir();
      const reference = tinyImage(folder.join("layout"), [
        [...TINY_SYSTEM, { path: "usr/big", data: noise(6 * 1024 * 1024) }],
      ]);
      await withTmpfs(folder.join("small"), "size=4m", async (small) => {
        const outcome = await create(reference, folder.join("out"), [], { env: { SLIPWAY_STORE: `${small}/store` } });
        expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/full \(ENOSPC\)/) });
        expect((await run("find", [small, "-type", "f", "-size", "+64k"])).stdout).toBe("");
      });
    },
    { proves: "a full store keeps no part of a layer" },
  );

  oracle(
    [asRoot, "mount"],
    "an output directory that is read-only",
    async () => {
      using folder = tempDir();
      const reference = tinyImage(folder.join("layout"), [TINY_SYSTEM]);
      await withTmpfs(folder.join("frozen"), "size=4m,ro", async (frozen) => {
        const outcome = await create(reference, frozen, [], { env: { SLIPWAY_STORE: folder.join("store") } });
        expect(outcome).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/not writable \(EROFS\)/) });
      });
    },
    { proves: "a read-only directory is named" },
  );

  it("kill -9 at any moment leaves no half disk, and the next run succeeds", async () => {
    using folder = tempDir();
    const reference = tinyImage(folder.join("layout"), [
      [...TINY_SYSTEM, { path: "usr/big", data: noise(24 * 1024 * 1024) }],
    ]);
    const whole = folder.join("whole");
    expect(await create(reference, whole, [], { env: { SLIPWAY_STORE: folder.join("store") } })).toMatchObject({
      exitCode: 0,
    });
    const options: SlipwayOptions = { env: { SLIPWAY_STORE: folder.join("killed-store") } };
    const output = folder.join("out");
    mkdirSync(output);
    for (const killAfterMs of [60, 150, 250, 350, 450, 600]) {
      const killed = await create(reference, output, [], { ...options, killAfterMs });
      // Killed after the rename, the disk is there and whole.
      const left = readdirSync(output).filter((name) => !name.startsWith("."));
      if (left.length > 0) await run("cmp", [`${whole}/disk.qcow2`, `${output}/disk.qcow2`]);
      if (killed.exitCode === 0) break;
    }
    expect(await create(reference, output, [], options)).toMatchObject({ exitCode: 0 });
    expect(readdirSync(output)).toEqual(["disk.qcow2"]);
    await run("cmp", [`${whole}/disk.qcow2`, `${output}/disk.qcow2`]);
  });
});

function create(
  reference: string,
  output: string,
  args: readonly string[],
  options: SlipwayOptions,
): ReturnType<typeof slipway> {
  return slipway(["disk", "create", reference, "-o", output, ...args], options);
}

/** Bytes that do not compress, the same each time. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let at = 0; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}

async function withTmpfs(path: string, options: string, body: (path: string) => Promise<void>): Promise<void> {
  mkdirSync(path);
  await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
  try {
    await body(path);
  } finally {
    await run("umount", [path]);
  }
}

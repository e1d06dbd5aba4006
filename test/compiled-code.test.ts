/** The built program and the compiled code that it keeps for the next run. */
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asRoot, oracle, run, tempDir, type TempFolder } from "./support/tools.ts";

const root = join(import.meta.dirname, "..");
const HEADER_BYTES = 8;

let program: TempFolder;

beforeAll(async () => {
  program = tempDir();
  await run(process.execPath, ["scripts/build.mjs", "--into", program.path], { cwd: root });
});

afterAll(() => program[Symbol.dispose]());

async function images(cache: string): Promise<void> {
  const env = { ...process.env, XDG_CACHE_HOME: cache, SLIPWAY_STORE: program.join("store") };
  const { stdout } = await run(process.execPath, [program.join("main.js"), "images", "--json"], { env });
  expect(JSON.parse(stdout)).toMatchObject({ images: [] });
}

/** The only file that was kept. */
function kept(cache: string): string {
  const directory = join(cache, "slipway/compiled");
  const [name = "", ...others] = readdirSync(directory);
  expect(name).toMatch(/-images$/);
  expect(others).toEqual([]);
  return join(directory, name);
}

describe("compiled code", () => {
  it("is kept by the first run of a command, and taken by the next", async () => {
    using cache = tempDir();
    await images(cache.path);
    const file = kept(cache.path);
    const first = statSync(file);
    expect(first.mode & 0o777).toBe(0o600);
    expect(first.size).toBeGreaterThan(100_000);
    // However long this run takes.
    const bytes = readFileSync(file);
    bytes.writeUInt32LE(0xffff_ffff);
    writeFileSync(file, bytes);
    await images(cache.path);
    expect(statSync(file).ino).toBe(first.ino);
  });

  it("is made again by a run that had more to do, and loses nothing", async () => {
    using cache = tempDir();
    await images(cache.path);
    const file = kept(cache.path);
    const bytes = readFileSync(file);
    bytes.writeUInt32LE(1);
    writeFileSync(file, bytes);
    await images(cache.path);
    expect(readFileSync(file).readUInt32LE()).toBeGreaterThan(1);
    expect(statSync(file).size).toBeGreaterThanOrEqual(bytes.length);
  });

  it.each([
    ["empty", () => Buffer.alloc(0)],
    ["without V8's part", (bytes: Buffer) => bytes.subarray(0, HEADER_BYTES)],
    ["cut off", (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ["zeros from somewhere on", (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(4096)]).fill(0, 50_000)],
    ["wrong in one bit", (bytes: Buffer) => Buffer.from(bytes).fill(bytes.readUInt8(60_000) ^ 4, 60_000, 60_001)],
  ])("that is %s is made again", async (_, damage) => {
    using cache = tempDir();
    await images(cache.path);
    const file = kept(cache.path);
    const whole = readFileSync(file);
    writeFileSync(file, damage(whole));
    const damaged = statSync(file).ino;
    await images(cache.path);
    expect(statSync(file).ino).not.toBe(damaged);
    expect(statSync(file).size).toBeGreaterThan(whole.length * 0.9);
  });

  it("of programs that nobody has run for a month goes", async () => {
    using cache = tempDir();
    const directory = join(cache.path, "slipway/compiled");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const [name, seconds] of [
      ["old", 1],
      ["new", Date.now() / 1000 - 86_400],
    ] as const) {
      writeFileSync(join(directory, name), "");
      utimesSync(join(directory, name), seconds, seconds);
    }
    await images(cache.path);
    expect(readdirSync(directory).sort()).toEqual([expect.stringMatching(/-images$/), "new"]);
  });

  it("is not taken from where others can write, nor put there", async () => {
    using cache = tempDir();
    const directory = join(cache.path, "slipway/compiled");
    mkdirSync(directory, { recursive: true });
    chmodSync(directory, 0o777);
    await images(cache.path);
    expect(readdirSync(directory)).toEqual([]);
  });

  it.each(["/proc/nowhere", "/dev/null"])("is done without in %s", (cache) => images(cache));

  oracle(
    [asRoot, "setpriv"],
    "is done without in a home that is somebody else's",
    async () => {
      using home = tempDir();
      chmodSync(program.path, 0o755);
      const node = [process.execPath, program.join("main.js"), "--version"];
      const { stdout } = await run("setpriv", ["--reuid=1000", "--clear-groups", "--", ...node], {
        env: { HOME: home.path, XDG_CACHE_HOME: "" },
      });
      expect(stdout).toMatch(/^\d/);
    },
    { proves: "commands run where nothing can be kept" },
  );
});

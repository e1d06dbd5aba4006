import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { utf8 } from "../bytes/index.ts";
import { AtomicFile, sweepPartials, writeFileAtomic } from "./atomic-file.ts";
import { makeTempDir } from "./temp.ts";

describe("atomic file", () => {
  it("appears whole on commit, with holes", async () => {
    await using temp = await makeTempDir("slipway-test-");
    const path = join(temp.path, "f");
    await using file = await AtomicFile.create(path);
    await file.write(4, utf8("end"));
    await file.truncate(9);
    expect(await readdir(temp.path)).not.toContain("f");
    await file.commit();
    expect(await readdir(temp.path)).toEqual(["f"]);
    expect((await readFile(path)).toString("latin1")).toBe("\0\0\0\0end\0\0");
  });
  it("leaves nothing, and the old file as it was, when it is given up", async () => {
    await using temp = await makeTempDir("slipway-test-");
    await writeFileAtomic(join(temp.path, "f"), utf8("old"));
    {
      await using file = await AtomicFile.create(join(temp.path, "f"));
      await file.write(0, utf8("new"));
    }
    expect(await readdir(temp.path)).toEqual(["f"]);
    expect(await readFile(join(temp.path, "f"), "utf8")).toBe("old");
  });
  it("takes a stream of chunks of any size", async () => {
    await using temp = await makeTempDir("slipway-test-");
    const path = join(temp.path, "f");
    const chunks = [0, 5, 700_000, 1, 400_000, 3_000_000, 2].map((length, index) => new Uint8Array(length).fill(index));
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (const chunk of chunks) yield await Promise.resolve(chunk);
    }
    await using file = await AtomicFile.create(path);
    expect(await file.writeStream(stream())).toBe(4_100_008);
    await file.commit();
    expect((await readFile(path)).equals(Buffer.concat(chunks))).toBe(true);
  });
  it("throws what its stream throws, and leaves nothing", async () => {
    await using temp = await makeTempDir("slipway-test-");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(2_000_000);
      throw new Error("the cable was pulled");
    }
    {
      await using file = await AtomicFile.create(join(temp.path, "f"));
      await expect(file.writeStream(broken())).rejects.toThrow("the cable was pulled");
    }
    expect(await readdir(temp.path)).toEqual([]);
  });
  it("says so when the directory cannot be written", async () => {
    await expect(AtomicFile.create("/proc/nowhere/f")).rejects.toMatchObject({ code: "WRITE_FAILED" });
  });
  it("sweeps what killed runs left, and nothing else", async () => {
    await using temp = await makeTempDir("slipway-test-");
    const dead = ".disk.raw.999999999.0123456789ab.partial";
    const alive = `.disk.raw.${process.pid}.0123456789ab.partial`;
    for (const name of [dead, alive, "disk.partial"]) await writeFile(join(temp.path, name), "");
    await mkdir(join(temp.path, "sub"));
    await sweepPartials(temp.path);
    expect((await readdir(temp.path)).toSorted()).toEqual([alive, "disk.partial", "sub"].toSorted());
  });
});

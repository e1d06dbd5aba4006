import { lstatSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { tempDir } from "../../../test/support/tools.ts";
import { type Content, contentOf } from "../../base/io/index.ts";
import { ContentDigests } from "./content-digests.ts";
import type { FileStamp } from "./context-file.ts";

const STAMP: FileStamp = { dev: 1, ino: 2, size: 1, mtimeMs: 1000.25, ctimeMs: 2000 };
const signal = new AbortController().signal;
const SUM = { a: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" };

/** Digests of one file, and how often it was read for them. */
async function ask(digests: ContentDigests, stamp: FileStamp, text = "a"): Promise<[digest: string, reads: number]> {
  let reads = 0;
  const content = (): Content => {
    reads++;
    return contentOf(Buffer.from(text));
  };
  return [await digests.of(stamp, content, signal), reads];
}

describe("ContentDigests", () => {
  it("remembers over builds, as long as the file is the same", async () => {
    using folder = tempDir();
    const path = folder.join("build/context-digests");
    const first = await ContentDigests.open(path);
    expect(await ask(first, STAMP)).toEqual([SUM.a, 1]);
    expect(await ask(first, STAMP)).toEqual([SUM.a, 0]);
    await first.save();
    expect(readdirSync(folder.join("build"))).toEqual(["context-digests"]);
    const second = await ContentDigests.open(path);
    expect(await ask(second, STAMP)).toEqual([SUM.a, 0]);
    for (const change of [{ dev: 3 }, { size: 2 }, { mtimeMs: 1000.5 }, { ctimeMs: 2001 }, { ino: 9 }])
      expect((await ask(await ContentDigests.open(path), { ...STAMP, ...change }, "b"))[1]).toBe(1);
  });

  it("does not trust what has just changed", async () => {
    using folder = tempDir();
    writeFileSync(folder.join("f"), "a");
    const digests = await ContentDigests.open(folder.join("d"));
    const fresh = lstatSync(folder.join("f"));
    expect((await ask(digests, fresh))[1]).toBe(1);
    expect((await ask(digests, fresh))[1]).toBe(1);
    // An old mtime that was set a moment ago.
    utimesSync(folder.join("f"), 1, 1);
    expect((await ask(digests, lstatSync(folder.join("f"))))[1]).toBe(1);
    expect((await ask(digests, lstatSync(folder.join("f"))))[1]).toBe(1);
  });

  it("remembers named content, which never changes", async () => {
    using folder = tempDir();
    const digests = await ContentDigests.open(folder.join("d"));
    const [a, b] = ["a", "b"].map((text) => contentOf(Buffer.from(text))) as [Content, Content];
    expect(await digests.ofNamed("x", a, signal)).toBe(SUM.a);
    await digests.save();
    const again = await ContentDigests.open(folder.join("d"));
    expect(await again.ofNamed("x", b, signal)).toBe(SUM.a);
    expect(await again.ofNamed("y", b, signal)).not.toBe(SUM.a);
  });

  it("is empty when its file is cut, spoilt or another's", async () => {
    using folder = tempDir();
    const path = folder.join("d");
    const digests = await ContentDigests.open(path);
    await ask(digests, STAMP);
    await digests.save();
    const whole = readFileSync(path);
    for (const size of [0, 5, 16, whole.length - 1]) {
      writeFileSync(path, whole);
      truncateSync(path, size);
      expect((await ask(await ContentDigests.open(path), STAMP))[1]).toBe(1);
    }
    writeFileSync(path, Buffer.concat([Buffer.from("another"), whole]));
    expect((await ask(await ContentDigests.open(path), STAMP))[1]).toBe(1);
    writeFileSync(path, whole);
    expect((await ask(await ContentDigests.open(path), STAMP))[1]).toBe(0);
  });
});

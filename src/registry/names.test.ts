import { resolve, sep } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isContentDigest, isRepositoryName, isTagName, parseRepositoryName } from "./names.ts";
import { digestOfFile, isUploadId, StoragePaths } from "./storage/paths.ts";

describe("names", () => {
  it.each([
    ["a", true],
    ["a/b/c", true],
    ["a.b_c__d-e---f/0", true],
    ["a".repeat(255), true],
    ["a".repeat(256), false],
    ["", false],
    ["A", false],
    ["a//b", false],
    ["/a", false],
    ["a/", false],
    ["a..b", false],
    ["a___b", false],
    ["_a", false],
    ["a/_tags", false],
    ["..", false],
    ["a/../b", false],
    ["a\n", false],
  ])("%j is a repository: %s", (text, wanted) => {
    expect(isRepositoryName(text)).toBe(wanted);
  });

  it.each([
    ["latest", true],
    ["_1.2-3", true],
    ["a".repeat(128), true],
    ["a".repeat(129), false],
    [".a", false],
    ["-a", false],
    ["a/b", false],
    ["a:b", false],
    ["a\n", false],
    ["", false],
  ])("%j is a tag: %s", (text, wanted) => {
    expect(isTagName(text)).toBe(wanted);
  });

  it("lead nowhere but below the root, whatever a client sends", () => {
    const root = "/srv/registry";
    const paths = new StoragePaths(root);
    const piece = fc.constantFrom(
      "..",
      ".",
      "/",
      "\\",
      "\0",
      "%2e",
      "a",
      "_blobs",
      "sha256:",
      "0".repeat(64),
      "-",
      "\n",
    );
    const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ maxLength: 80 })), (name) => {
        const found: string[] = [];
        if (isRepositoryName(name)) found.push(paths.repository(name), paths.uploads(name));
        if (isContentDigest(name)) found.push(paths.blob(name));
        if (isTagName(name)) found.push(paths.tag(parseRepositoryName("a"), name));
        if (isUploadId(name)) found.push(paths.upload(parseRepositoryName("a"), name));
        for (const path of found) {
          expect(resolve(path)).toBe(path);
          expect(path.startsWith(root + sep)).toBe(true);
        }
      }),
      { seed: 4, numRuns: 2000, interruptAfterTimeLimit: 500 },
    );
  });

  it("of files are digests only when they look like it", () => {
    expect(digestOfFile(`sha256-${"0".repeat(64)}`)).toBe(`sha256:${"0".repeat(64)}`);
    expect(digestOfFile(`.sha256-${"0".repeat(64)}.aside`)).toBeUndefined();
  });
});

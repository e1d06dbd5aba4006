import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Content, contentOf, EMPTY_CONTENT, MemorySource } from "../../base/io/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import { assertNoLeaks, findConfigLeaks, findLeaks } from "./leaks.ts";

const SECRETS = [
  { id: "token", bytes: Buffer.from("correct-horse-9\n") },
  { id: "other", bytes: Buffer.from("0123456789abcdef") },
];

function entry(path: string, more: Partial<LayerEntry> = {}): LayerEntry {
  const none = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [], target: "", major: 0, minor: 0 };
  return { type: "file", content: EMPTY_CONTENT, ...none, ...more, path };
}

const holding = (text: string): { content: Content } => ({ content: contentOf(Buffer.from(text)) });

describe("findLeaks", () => {
  it("looks into contents, names, attributes and links, and says where and how", async () => {
    const entries = [
      entry("etc/good", holding("nothing here")),
      entry("etc/npmrc", holding("_auth=correct-horse-9\ncorrect-horse-9")),
      entry("etc/auth.json", holding(Buffer.from("user:correct-horse-9").toString("base64"))),
      entry("tmp/correct-horse-9", { type: "directory" }),
      entry("etc/link", { type: "symlink", target: "0123456789abcdef" }),
      entry("etc/tagged", { xattrs: [{ name: "user.token", value: Buffer.from("correct-horse-9") }] }),
    ];
    expect(await findLeaks(entries, SECRETS)).toEqual([
      { path: "etc/npmrc", where: "content", secret: "token", form: "raw" },
      { path: "etc/auth.json", where: "content", secret: "token", form: "base64" },
      { path: "tmp/***", where: "name", secret: "token", form: "raw" },
      { path: "etc/link", where: "link", secret: "other", form: "raw" },
      { path: "etc/tagged", where: "xattr", secret: "token", form: "raw" },
    ]);
  });

  it("finds a secret across the borders of its window, and beside holes", async () => {
    const secret = Buffer.from("correct-horse-9");
    const bytes = new Uint8Array(3 * 1024 * 1024);
    for (const at of [0, 1024 * 1024 - 7, 1024 * 1024 + 30, bytes.length - secret.length]) {
      const found = bytes.slice();
      found.set(secret, at);
      expect(await findLeaks([entry("x", { content: contentOf(found) })], SECRETS)).toHaveLength(1);
    }
    const source = new MemorySource(secret);
    const hole = 2 ** 40;
    const extents = [
      { at: hole, length: 4, source, sourceOffset: 0 },
      { at: hole + 4, length: secret.length - 4, source, sourceOffset: 4 },
    ];
    const sparse = { sizeBytes: hole * 2, extents };
    expect(await findLeaks([entry("x", { content: sparse })], SECRETS)).toHaveLength(1);
  });

  it("finds it at any place of any cut of a content", async () => {
    const property = fc.asyncProperty(
      fc.uint8Array({ maxLength: 3000 }),
      fc.uint8Array({ maxLength: 3000 }),
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom("latin1", "base64", "base64url"),
      async (before, after, extentBytes, form) => {
        const plain = Buffer.concat([before, Buffer.from("correct-horse-9"), after]);
        const bytes = Buffer.from(plain.toString(form as "latin1"), "latin1");
        const source = new MemorySource(bytes);
        const extents = [];
        for (let at = 0; at < bytes.length; at += extentBytes) {
          extents.push({ at, length: Math.min(extentBytes, bytes.length - at), source, sourceOffset: at });
        }
        expect(await findLeaks([entry("x", { content: { sizeBytes: bytes.length, extents } })], SECRETS)).toHaveLength(
          1,
        );
      },
    );
    await fc.assert(property, { seed: 5, numRuns: 40 });
  });

  it("stops at a hundred", async () => {
    const entries = Array.from({ length: 300 }, (_, index) => entry(`${index}`, holding("correct-horse-9")));
    expect(await findLeaks(entries, SECRETS)).toHaveLength(100);
  });
});

describe("findConfigLeaks", () => {
  it("names the place in the document", () => {
    const config = {
      config: { Env: ["PATH=/bin", "TOKEN=correct-horse-9"], Labels: { "correct-horse-9": "x" } },
      history: [{ created_by: "RUN a" }, { created_by: 'RUN curl "https://x/?t=0123456789abcdef"' }],
    };
    expect(findConfigLeaks(Buffer.from(JSON.stringify(config)), SECRETS)).toEqual([
      { path: "config.Env[1]", where: "config", secret: "token", form: "raw" },
      { path: "config.Labels", where: "config", secret: "token", form: "raw" },
      { path: "history[1].created_by", where: "config", secret: "other", form: "raw" },
    ]);
  });
});

describe("assertNoLeaks", () => {
  it("names the first places and never the value", async () => {
    const entries = Array.from({ length: 7 }, (_, index) =>
      entry(`correct-horse-9/${index}`, holding("0123456789abcdef")),
    );
    const leaks = await findLeaks(entries, SECRETS);
    const thrown = ((): unknown => {
      try {
        assertNoLeaks(leaks, "the layer of RUN make");
      } catch (error) {
        return error;
      }
      return undefined;
    })();
    expect(thrown).toMatchObject({ name: "BuildError", code: "SECRET_LEAKED" });
    expect(JSON.stringify(thrown)).not.toMatch(/correct-horse|0123456789/);
    expect((thrown as Error).message).toContain(
      'cannot keep the layer of RUN make: it holds secret "token" in the name /***/0; secret "other" in /***/0; ',
    );
    expect((thrown as Error).message).toContain(" and 9 more");
    expect(() => assertNoLeaks([], "x")).not.toThrow();
  });
});

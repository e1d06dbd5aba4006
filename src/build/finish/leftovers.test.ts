import { describe, expect, it } from "vitest";
import { contentOf, EMPTY_CONTENT } from "../../base/io/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import { clearLeftovers, leftovers } from "./leftovers.ts";

const BOOTABLE = { "containers.bootc": "1" };

function entry(path: string, more: Partial<LayerEntry> = {}): LayerEntry {
  const none = { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, xattrs: [], target: "", major: 0, minor: 0 };
  return { type: "file", content: EMPTY_CONTENT, ...none, ...more, path };
}

const paths = (entries: readonly LayerEntry[]): string[] => entries.map(({ path }) => path);

describe("leftovers", () => {
  it.each([
    ["run", false],
    ["run/lock", true],
    ["run/systemd/resolve/stub-resolv.conf", true],
    ["runner/x", false],
    ["tmp", false],
    ["tmp/build.log", true],
    ["tmp/.wh.old", false],
    ["tmp/.wh..wh..opq", false],
    ["usr/tmp/x", false],
    ["var/tmp", false],
    ["var/tmp/x", true],
    ["var/cache/apt/pkgcache.bin", true],
    ["var/lib/dpkg/status", false],
    ["var/log/dpkg.log", false],
    ["etc/hosts", false],
  ])("of a bootable image: %s: %s", (path, isLeftover) => {
    expect(leftovers([entry(path)], BOOTABLE)).toHaveLength(isLeftover ? 1 : 0);
    expect(leftovers([entry(path)], { "ostree.bootable": "true" })).toHaveLength(isLeftover ? 1 : 0);
    expect(leftovers([entry(path)], { maintainer: "x" })).toEqual([]);
  });
});

describe("clearLeftovers", () => {
  it("keeps the order of what stays", () => {
    const entries = [entry("etc/a"), entry("run", { type: "directory" }), entry("run/x"), entry("usr/b")];
    const cleared = clearLeftovers(entries, BOOTABLE);
    expect(paths(cleared.entries)).toEqual(["etc/a", "run", "usr/b"]);
    expect(paths(cleared.leftovers)).toEqual(["run/x"]);
    expect(clearLeftovers(entries, {}).entries).toBe(entries);
  });

  it("keeps a file that has another name outside", () => {
    const content = contentOf(Buffer.from("kept"));
    const link = (path: string): LayerEntry => entry(path, { type: "hardlink", target: "tmp/file" });
    const entries = [entry("tmp/file", { content, mode: 0o600 }), link("tmp/too"), link("usr/a"), link("usr/b")];
    const cleared = clearLeftovers(entries, BOOTABLE);
    expect(cleared.entries).toEqual([
      entry("usr/a", { content, mode: 0o600 }),
      entry("usr/b", { type: "hardlink", target: "usr/a" }),
    ]);
    expect(paths(cleared.leftovers)).toEqual(["tmp/file", "tmp/too"]);
  });
});

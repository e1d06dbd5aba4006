import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contentOf } from "../base/io/index.ts";
import { directory, type DirectoryInode, ensureDirectory, file } from "../tree/index.ts";
import { kernelVersion, type KernelVersion } from "./kernel-version.ts";
import { readTags } from "./rpm-database.ts";

function tree(files: Readonly<Record<string, Uint8Array>>): DirectoryInode {
  const root = directory({}, []);
  for (const [path, bytes] of Object.entries(files)) {
    const slash = path.lastIndexOf("/");
    ensureDirectory(root, path.slice(0, slash)).entries.set(path.slice(slash + 1), file(contentOf(bytes)));
  }
  return root;
}

/** A header as rpm keeps it: name, version, release, arch and one number. */
function rpmHeader(values: Readonly<Record<number, string>>): Buffer {
  const entries: Buffer[] = [];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [tag, text] of Object.entries(values)) {
    const entry = Buffer.alloc(16);
    entry.writeUInt32BE(Number(tag), 0);
    entry.writeUInt32BE(6, 4);
    entry.writeUInt32BE(offset, 8);
    entry.writeUInt32BE(1, 12);
    entries.push(entry);
    data.push(Buffer.from(`${text}\0`));
    offset += text.length + 1;
  }
  const head = Buffer.alloc(8);
  head.writeUInt32BE(entries.length, 0);
  head.writeUInt32BE(offset, 4);
  return Buffer.concat([head, ...entries, ...data]);
}

function rpmDatabase(packages: readonly (readonly [string, string, string, string])[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "slipway-rpm-"));
  const path = join(folder, "rpmdb.sqlite");
  const database = new DatabaseSync(path);
  database.exec("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)");
  for (const [name, version, release, arch] of packages)
    database
      .prepare("INSERT INTO Packages (blob) VALUES (?)")
      .run(rpmHeader({ 1000: name, 1001: version, 1002: release, 1022: arch }));
  database.close();
  const bytes = readFileSync(path);
  rmSync(folder, { recursive: true });
  return bytes;
}

const RPMDB = rpmDatabase([
  ["bash", "5.1", "1.el9", "x86_64"],
  ["kernel-core", "5.14.0", "427.el9", "x86_64"],
]);
const MODULES = { "usr/lib/modules/6.12.1/vmlinuz": Buffer.from("x"), "usr/lib/modules/7/other": Buffer.from("x") };
const LABELS = { "ostree.linux": "6.6.6" };
const HISTORY = ["RUN dnf install", "bash-5.1-1.el9.x86_64", "kernel-uek-core-5.15.0-200.el9uek.x86_64"];

describe("kernelVersion", () => {
  it.each<[string, Record<string, Uint8Array>, Record<string, string>, readonly string[], KernelVersion | undefined]>([
    [
      "the file first",
      { ...MODULES, "usr/share/rpm/rpmdb.sqlite": RPMDB },
      LABELS,
      HISTORY,
      { version: "6.12.1", source: "modules" },
    ],
    ["then the label", { "usr/share/rpm/rpmdb.sqlite": RPMDB }, LABELS, HISTORY, { version: "6.6.6", source: "label" }],
    [
      "then the rpm database",
      { "usr/share/rpm/rpmdb.sqlite": RPMDB },
      {},
      HISTORY,
      { version: "5.14.0-427.el9.x86_64", source: "rpmdb" },
    ],
    ["then the history", {}, {}, HISTORY, { version: "5.15.0-200.el9uek.x86_64", source: "history" }],
    ["a database that is none", { "var/lib/rpm/rpmdb.sqlite": Buffer.from("x".repeat(500)) }, {}, [], undefined],
    ["nothing", {}, {}, ["RUN apt install kernel-core"], undefined],
  ])("believes %s", async (_, files, labels, history, wanted) => {
    expect(await kernelVersion({ root: tree(files), labels, history })).toEqual(wanted);
  });
});

describe("readTags", () => {
  it("takes any cut and any change without harm", () => {
    const header = rpmHeader({ 1000: "kernel-core", 1001: "5" });
    expect(readTags(header).get(1000)).toBe("kernel-core");
    for (let length = 0; length < header.length; length++) readTags(header.subarray(0, length));
    for (let at = 0; at < header.length; at++)
      readTags(Buffer.from(header).fill(0xff, at, Math.min(at + 4, header.length)));
  });
});

import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { requestOf, treeTarget } from "../../../test/support/copy-target.ts";
import { tempDir } from "../../../test/support/tools.ts";
import { contentBytes } from "../../base/io/index.ts";
import { directory, type LayerEntry } from "../../tree/index.ts";
import { type IgnoreRules, parseIgnoreFile } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import { directoryContext } from "./directory-context.ts";
import { planCopy } from "./plan.ts";

const rules = (text: string): IgnoreRules => parseIgnoreFile(Buffer.from(text), ".containerignore");

async function plan(path: string, instruction: string, ignore = ""): Promise<LayerEntry[]> {
  const from = directoryContext(path, rules(ignore));
  return (await planCopy(requestOf(instruction, { scratch: path }), from, treeTarget(directory()))).entries;
}

async function messageOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(BuildError);
  const { message, hint } = error as BuildError;
  return `${message} | ${hint ?? ""}`;
}

describe("a hostile context", () => {
  it("cannot lead out by links", async () => {
    using folder = tempDir();
    mkdirSync(folder.join("d"));
    writeFileSync(folder.join("passwd"), "mine");
    symlinkSync("../../../../../etc/passwd", folder.join("d/up"));
    symlinkSync("/passwd", folder.join("d/absolute"));
    symlinkSync("/", folder.join("d/root"));
    symlinkSync("..", folder.join("d/parent"));
    symlinkSync("loop", folder.join("loop"));
    expect(await messageOf(plan(folder.path, "COPY d/up /x"))).toMatch(
      /"d\/up" .* it is a link to what is not in there/,
    );
    const [, mine] = await plan(folder.path, "COPY d/absolute /x/");
    expect(Buffer.from(await contentBytes((mine as LayerEntry).content, 10)).toString()).toBe("mine");
    expect((await plan(folder.path, "COPY d/root/passwd /x")).map(({ path }) => path)).toEqual(["x"]);
    expect((await plan(folder.path, "COPY d/parent/d/parent/passwd /x")).length).toBe(1);
    expect(await messageOf(plan(folder.path, "COPY loop /x"))).toMatch(/too many levels of symbolic links/);
    expect(await messageOf(plan(folder.path, "COPY d/root/../../etc/passwd /x"))).toMatch(/there is no such file/);
    // Within a directory links stay what they are.
    expect((await plan(folder.path, "COPY d /x/")).map(({ target }) => target)).toEqual([
      "",
      "/passwd",
      "..",
      "/",
      "../../../../../etc/passwd",
    ]);
  });

  it("keeps names of any bytes", async () => {
    using folder = tempDir();
    const names = ["a\nb", "\xff\xfe", "\x1b[31m", "ü", "-rf", "*", "[a]"].map((name) => Buffer.from(name, "latin1"));
    for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${folder.path}/`), name]), name);
    const entries = await plan(folder.path, "COPY . /");
    expect(entries.map(({ path }) => path)).toEqual(names.map((name) => name.toString("latin1")).sort());
    for (const { path, content } of entries)
      expect(Buffer.from(await contentBytes(content, 10)).toString("latin1")).toBe(path);
    expect(await messageOf(plan(folder.path, "COPY \x1b[32mx /y"))).not.toContain("\x1b");
  });

  it("has its sockets left out, its fifos copied unopened", async () => {
    using folder = tempDir();
    mkdirSync(folder.join("d"));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(folder.join("d/socket"), resolve));
    try {
      writeFileSync(folder.join("d/file"), "");
      expect((await plan(folder.path, "COPY d /x/")).map(({ path }) => path)).toEqual(["x", "x/file"]);
      expect(await messageOf(plan(folder.path, "COPY d/socket /x/"))).toMatch(/it is a socket/);
    } finally {
      server.close();
    }
  });

  it("deeper than any path is refused, not cut", async () => {
    using folder = tempDir();
    const here = process.cwd();
    try {
      process.chdir(folder.path);
      for (let depth = 0; depth < 20; depth++) {
        mkdirSync("n".repeat(250));
        process.chdir("n".repeat(250));
      }
      writeFileSync("f", "");
    } finally {
      process.chdir(here);
    }
    expect(await messageOf(plan(folder.path, "COPY . /"))).toMatch(/cannot (read|copy)/);
    expect(await messageOf(plan(folder.path, `COPY ${"n".repeat(300)} /`))).toMatch(/there is no such file/);
  });

  it("stops the build when a file changes while it is copied", async () => {
    using folder = tempDir();
    const path = folder.join("f");
    const write = (): void => writeFileSync(path, "x".repeat(1000));
    const after = async (change: () => void): Promise<string> => {
      write();
      const [entry] = await plan(folder.path, "COPY f /");
      change();
      return await messageOf(contentBytes((entry as LayerEntry).content, 10_000));
    };
    expect(await after(() => appendFileSync(path, "y"))).toMatch(/f": it changed while .* has 1001 bytes and had 1000/);
    expect(await after(() => writeFileSync(path, ""))).toMatch(/it ends at 0 of 1000 bytes/);
    expect(await after(() => utimesSync(path, 1, 1))).toMatch(/it was written to/);
    expect(await after(() => unlinkSync(path))).toMatch(/cannot read/);
    const replaced = after(() => {
      rmSync(path);
      symlinkSync("/etc/passwd", path);
    });
    expect(await replaced).toMatch(/cannot read/);
    rmSync(path);
  });

  it("needs no descriptor for a file that is not being read", async () => {
    using folder = tempDir();
    for (let index = 0; index < 300; index++) writeFileSync(folder.join(`f${index}`), "x");
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = open();
    const entries = await plan(folder.path, "COPY . /");
    for (const { content } of entries) await contentBytes(content, 1);
    expect(open() - before).toBeLessThan(5);
  });
});

describe("a source that matches nothing", () => {
  it("names what was looked for, why, and what is near", async () => {
    using folder = tempDir();
    mkdirSync(folder.join("configs"));
    writeFileSync(folder.join("configs/app.toml"), "");
    writeFileSync(folder.join("Makefile"), "");
    expect(await messageOf(plan(folder.path, "COPY makefile /x"))).toBe(
      `cannot copy "makefile" of the context ${folder.path}: there is no such file | Did you mean Makefile?`,
    );
    expect(await messageOf(plan(folder.path, "COPY configs/ap.toml /x"))).toMatch(/Did you mean configs\/app.toml\?/);
    expect(await messageOf(plan(folder.path, "COPY grün /x"))).toMatch(/"grün"/);
    expect(await messageOf(plan(folder.path, "COPY *.py /x"))).toMatch(/"\*\.py" .*: no file matches/);
    expect(await messageOf(plan(folder.path, "COPY Makefile /x", "Make*"))).toMatch(
      /"Makefile" is excluded \| Change .containerignore/,
    );
    expect(await messageOf(plan(folder.path, "COPY --exclude=configs configs /x/"))).toMatch(/"configs" is excluded/);
    expect(await messageOf(plan(folder.join("nowhere"), "COPY a /x/"))).toMatch(/there is no such file/);
  });
});

/**
 * COPY and ADD beside buildah 1.39: the same instructions over the same context give the same trees, in names, kinds,
 * modes, owners, link targets, contents, hard links, and times where the instruction says them (buildah dates what it
 * makes on the way by the clock). What 1.39 does not know (--link, --parents, symbolic --chmod) or does otherwise than
 * BuildKit is judged by listings written by hand from the Dockerfile reference.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { contentBytes, FileSource } from "../../src/base/io/index.ts";
import { parseIgnoreFile } from "../../src/build/containerfile/index.ts";
import {
  type ContextSource,
  type CopyRequest,
  directoryContext,
  planCopy,
  rootContext,
} from "../../src/build/copy/index.ts";
import { BuildError } from "../../src/build/error.ts";
import { applyLayer, directory, type DirectoryInode, type Inode, readTarTree, walk } from "../../src/tree/index.ts";
import { requestOf, treeTarget } from "../support/copy-target.ts";
import { makeContext, TIME } from "./build-copy-context.ts";
import { oracleRoot, runNewer } from "../support/oracle-root.ts";
import { oracle, run, tempDir } from "../support/tools.ts";

interface Case {
  /** Instructions after `FROM scratch`; "FROM scratch" begins another stage. */
  readonly steps: readonly string[];
  readonly workdir?: string;
  readonly ignore?: string;
}

const BASE = "COPY base /";
const HELLO = createHash("sha256").update("hello").digest("hex");

/** Both must agree, on a tree or on refusing. */
const CASES: Readonly<Record<string, Case>> = {
  "a file under a name": { steps: ["COPY a.txt /x"] },
  "a file into a directory that is made": { steps: ["COPY a.txt /x/y/"] },
  "a file under a name below directories that are made": { steps: ["COPY a.txt /x/y/z"] },
  "a file into a directory that is there": { steps: [BASE, "COPY a.txt /d"] },
  "a file over a file": { steps: [BASE, "COPY a.txt /f"] },
  "a file over a link to a file": { steps: [BASE, "COPY a.txt /lf"] },
  "a file onto a link that leads nowhere": { steps: [BASE, "COPY a.txt /dangling"] },
  "a file onto a link to a directory": { steps: [BASE, "COPY a.txt /ld"] },
  "a file below a link to a directory": { steps: [BASE, "COPY a.txt /ld/new"] },
  "a file below a file": { steps: [BASE, "COPY a.txt /f/x"] },
  "a file over a file that should be a directory": { steps: [BASE, "COPY a.txt /f/"] },
  "the working directory": { steps: ["COPY a.txt ."], workdir: "/w" },
  "a path below the working directory": { steps: ["COPY a.txt b.txt in/"], workdir: "/w" },
  "several files to what becomes a directory": { steps: ["COPY a.txt b.txt /x"] },
  "setuid and setgid files": { steps: ["COPY suid sgid /x/"] },
  "a directory's contents": { steps: ["COPY dir /x"] },
  "a directory's contents with slashes": { steps: ["COPY dir/ /x/"] },
  "a directory over a directory that is there": { steps: [BASE, "COPY dir /d/"] },
  "a directory onto a link to a directory": { steps: [BASE, "COPY dir /ld"] },
  "a directory over a file": { steps: [BASE, "COPY dir /f"] },
  "a tree with a file where a directory is": { steps: [BASE, "COPY file-over /"] },
  "a tree with a directory where a file is": { steps: [BASE, "COPY dir-over /"] },
  "a tree with a directory where a link is": { steps: [BASE, "COPY link-over /"] },
  "the whole context": { steps: ["COPY . /x/"] },
  "a source that leads above the context": { steps: ["COPY ../a.txt /x"] },
  "an empty directory": { steps: ["COPY dir/e /x"] },
  "a glob with one match": { steps: ["COPY a*.txt /x"] },
  "a glob with several matches": { steps: ["COPY *.txt /x/"] },
  "a glob over directories": { steps: ["COPY d*r /x/"] },
  "a glob in the middle": { steps: ["COPY d?r/*/y.txt /x/"] },
  "a class of letters": { steps: ["COPY [ab].txt [^a].txt /x/"] },
  "two stars": { steps: ["COPY dir/** /x/"] },
  "two stars in the middle": { steps: ["COPY dir/**/*.txt /x/"] },
  "a missing file": { steps: ["COPY none /x"] },
  "a glob without a match": { steps: ["COPY none* /x/"] },
  "a link to a file": { steps: ["COPY to-file /x"] },
  "a link to a file under its own name": { steps: ["COPY to-file /x/"] },
  "a link to a directory": { steps: ["COPY to-dir /x"] },
  "a path through a link": { steps: ["COPY to-dir/x.txt /x"] },
  "an absolute link": { steps: ["COPY absolute /x"] },
  "a link that leads out": { steps: ["COPY escape /x"] },
  "a link to itself": { steps: ["COPY loop /x"] },
  "an owner by name": { steps: [BASE, "COPY --chown=bob dir /n/m/"] },
  "an owner and a group by name": { steps: [BASE, "COPY --chown=bob:staff a.txt /n/"] },
  "a number and a group by name": { steps: [BASE, "COPY --chown=7:staff a.txt /n/"] },
  "a group only": { steps: [BASE, "COPY --chown=:staff a.txt /n/"] },
  "one number": { steps: ["COPY --chown=5 a.txt /n/"] },
  "two numbers": { steps: ["COPY --chown=5:6 dir /n/"] },
  "an unknown owner": { steps: [BASE, "COPY --chown=nobody a.txt /n/"] },
  "an octal mode for a tree": { steps: ["COPY --chmod=604 dir /n/"] },
  "a mode with setuid": { steps: ["COPY --chmod=4711 a.txt /n/"] },
  "an exclusion of names at the top": { steps: ["COPY --exclude=a* *.txt /x/"] },
  "an exclusion at any depth": { steps: ["COPY --exclude=**/*.txt dir /x/"] },
  "an exclusion of a directory": { steps: ["COPY --exclude=dir/sub . /x/"] },
  "ignored files with an exception": { steps: ["COPY . /x/"], ignore: "*.txt\n!b.txt\ndir/sub\n!dir/sub/y.txt\n" },
  "an ignored source": { steps: ["COPY a.txt /x/"], ignore: "a.txt\n" },
  "a glob of which some are ignored": { steps: ["COPY *.txt /x/"], ignore: "a.txt\n" },
  "a tar": { steps: ["ADD t.tar /x"] },
  "a tar with gzip": { steps: ["ADD t.tar.gz /x"] },
  "a tar with bzip2": { steps: ["ADD t.tar.bz2 /x"] },
  "a tar with xz": { steps: ["ADD t.tar.xz /x"] },
  "a tar with zstd": { steps: ["ADD t.tar.zst /x/"] },
  "a tar by COPY": { steps: ["COPY t.tar.gz /x/"] },
  "a tar with an owner and a mode": { steps: ["ADD --chown=7:8 --chmod=600 t.tar /x/"] },
  "a tar without directories": { steps: ["ADD --chown=7:8 nodirs.tar /x/"] },
  "a tar with absolute names": { steps: ["ADD absolute.tar /x/"] },
  "a tar that climbs": { steps: ["ADD climbing.tar /x/"] },
  "a tar below a link": { steps: [BASE, "ADD below-link.tar /"] },
  "a tar with a directory where a link is": { steps: [BASE, "ADD over-link.tar /"] },
  "two tars that overlap": { steps: ["ADD t.tar nodirs.tar /x"] },
  "gzip that is no tar": { steps: ["ADD plain.gz /x/"] },
  "an empty tar": { steps: ["ADD nothing.tar /x/"] },
  "half a tar": { steps: ["ADD cut.tar /x/"] },
  "a tar onto a file": { steps: [BASE, "ADD t.tar /f"] },
  "heredocs as files": { steps: ["COPY <<A <<b.txt /h/\nhello\nA\nworld\nb.txt"] },
  "a heredoc under a name": { steps: ["COPY --chmod=700 --chown=3:4 <<run.sh /bin/r\n#!/bin/sh\n\nrun.sh"] },
  "a download into a directory": { steps: ["ADD ORIGIN/in/file.txt?x=y /x/"] },
  "a download under a name": { steps: ["ADD --chown=3:4 --chmod=755 ORIGIN/in/file.txt /x/name"] },
  "a download into a directory that is there": { steps: [BASE, "ADD ORIGIN/in/file.txt /d"] },
  "a download of an archive": { steps: ["ADD ORIGIN/t.tar.gz /x/"] },
  "a download with its checksum": { steps: [`ADD --checksum=sha256:${HELLO} ORIGIN/file.txt /x`] },
  "a download with another checksum": { steps: [`ADD --checksum=sha256:${"0".repeat(64)} ORIGIN/file.txt /x`] },
  "a download that is not there": { steps: ["ADD ORIGIN/missing /x"] },
  "a stage, owners and bits kept": {
    steps: ["ADD t.tar /x/", "FROM scratch", "COPY --from=0 /x /y", "COPY --from=0 /x/ln/in /x/top /z/"],
  },
  "a stage with another owner": { steps: ["ADD t.tar /x/", "FROM scratch", "COPY --from=0 --chown=1:2 /x /y"] },
  "a stage through its links": { steps: ["ADD t.tar /x/", "FROM scratch", "COPY --from=0 x/ln /y"] },
};

/** What buildah refuses of these. */
const REFUSED: readonly string[] = [
  "a directory over a file",
  "a download that is not there",
  "a download with another checksum",
  "a file below a file",
  "a file over a file that should be a directory",
  "a glob without a match",
  "a link that leads out",
  "a link to itself",
  "a missing file",
  "a tar onto a file",
  "an ignored source",
  "an unknown owner",
  "half a tar",
];

/** A line for each path but the root; hard links by the first name. Times that are not `TIME` are the clock's. */
async function listing(root: DirectoryInode, times: ReadonlySet<string>): Promise<string[]> {
  const first = new Map<Inode, string>();
  const lines: string[] = [];
  for (const { path, inode } of walk(root)) {
    if (path === "") continue;
    if (!first.has(inode)) first.set(inode, path);
    const content =
      inode.type === "file"
        ? createHash("sha256")
            .update(await contentBytes(inode.content, 1 << 20))
            .digest("hex")
            .slice(0, 8)
        : inode.type === "symlink"
          ? `-> ${inode.target}`
          : "";
    const time = times.has(path) ? inode.mtimeSeconds : "-";
    const owner = `${inode.uid}:${inode.gid}`;
    lines.push(`${path} ${inode.type} ${inode.mode.toString(8)} ${owner} ${time} ${content} ${first.get(inode)}`);
  }
  return lines;
}

function timed(root: DirectoryInode): Set<string> {
  return new Set([...walk(root)].filter(({ inode }) => inode.mtimeSeconds === TIME).map(({ path }) => path));
}

async function ourTree(context: string, { steps, workdir = "/", ignore = "" }: Case): Promise<DirectoryInode> {
  const local = directoryContext(context, parseIgnoreFile(Buffer.from(ignore), ".containerignore"));
  const stages: DirectoryInode[] = [];
  let tree = directory();
  if (workdir !== "/") tree.entries.set(workdir.slice(1), directory());
  for (const step of steps) {
    if (step.startsWith("FROM")) {
      stages.push(tree);
      tree = directory();
      continue;
    }
    const { from, ...request } = requestWithHeredocs(step, { workdir, scratch: join(context, "..") });
    const stage = stages[Number(from ?? -1)];
    const source: ContextSource =
      stage === undefined ? local : rootContext({ tree: () => Promise.resolve(stage) }, `stage ${from}`);
    const { entries } = await planCopy(request, source, treeTarget(tree));
    tree = applyLayer(tree, entries);
  }
  return tree;
}

function requestWithHeredocs(step: string, options: Partial<CopyRequest>): ReturnType<typeof requestOf> {
  const [line = "", ...rest] = step.split("\n");
  const request = requestOf(line, options);
  const sources = request.sources.map((source) => {
    if (typeof source !== "string" || !source.startsWith("<<")) return source;
    const name = source.slice(2);
    const content = rest.splice(0, rest.indexOf(name) + 1).slice(0, -1);
    return { name, content: Buffer.from(`${content.join("\n")}\n`) };
  });
  return { ...request, sources };
}

/** What the cases download from. */
async function serve(context: string): Promise<{ readonly origin: string } & Disposable> {
  const server = createServer(({ url = "" }, response) => {
    response.setHeader("last-modified", new Date(TIME * 1000).toUTCString());
    if (url.endsWith("/t.tar.gz")) response.end(readFileSync(join(context, "t.tar.gz")));
    else response.writeHead(url.includes("file.txt") ? 200 : 404).end("hello");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, [Symbol.dispose]: () => void server.close() };
}

/** All cases in one go: the newer root is entered once. */
async function theirTrees(cases: readonly Case[], folder: string, context: string): Promise<void> {
  const lines: string[] = [];
  for (const [index, { steps, workdir, ignore }] of cases.entries()) {
    const place = join(folder, `case-${index}`);
    const instructions = ["FROM scratch", ...(workdir === undefined ? [] : [`WORKDIR ${workdir}`]), ...steps];
    writeFileSync(`${place}.Containerfile`, `${instructions.join("\n")}\n`);
    writeFileSync(`${place}.ignore`, ignore ?? "");
    const store = `--root ${folder}/store --runroot ${folder}/run --storage-driver vfs`;
    lines.push(
      `buildah ${store} bud --isolation chroot --layers=false -q --ignorefile ${place}.ignore ` +
        `-f ${place}.Containerfile --output type=tar,dest=${place}.tar ${context} >${place}.log 2>&1 || rm -f ${place}.tar`,
    );
  }
  await runNewer("sh", ["-c", lines.join("\n")], { folders: [folder] });
}

const BY_HAND: Readonly<Record<string, { readonly steps: readonly string[]; readonly tree: readonly string[] }>> = {
  "--parents keeps the path": {
    steps: ["COPY --parents dir/sub/y.txt /x/"],
    tree: ["x 755", "x/dir 755", "x/dir/sub 770", "x/dir/sub/y.txt 644"],
  },
  "--parents keeps what follows the pivot": {
    steps: ["COPY --parents dir/./sub/deep/z.txt /x/"],
    tree: ["x 755", "x/sub 770", "x/sub/deep 755", "x/sub/deep/z.txt 644"],
  },
  "--parents with two stars keeps each path": {
    steps: ["COPY --parents dir/**/*.txt /x"],
    tree: [
      "x 755",
      "x/dir 755",
      "x/dir/sub 770",
      "x/dir/sub/deep 755",
      "x/dir/sub/deep/z.txt 644",
      "x/dir/sub/y.txt 644",
      "x/dir/x.txt 644",
    ],
  },
  "--parents copies a directory with its name": {
    steps: ["COPY --parents ./dir/sub a.txt /x/"],
    tree: [
      "x 755",
      "x/a.txt 644",
      "x/dir 755",
      "x/dir/sub 770",
      "x/dir/sub/deep 755",
      "x/dir/sub/deep/z.txt 644",
      "x/dir/sub/y.txt 644",
    ],
  },
  "--link replaces a link on the way": {
    steps: [BASE, "COPY --link a.txt /ld/new"],
    tree: [
      "d 700",
      "d/old 644",
      "d/sub 755",
      "d/sub/old 644",
      "dangling 777",
      "etc 755",
      "etc/group 644",
      "etc/passwd 644",
      "f 644",
      "ld 755",
      "ld/new 644",
      "lf 777",
    ],
  },
  "--chmod in symbols": {
    steps: ["COPY --chmod=u=rwX,go=rX dir/sub b.txt /x/"],
    tree: ["x 755", "x/b.txt 755", "x/deep 755", "x/deep/z.txt 644", "x/y.txt 644"],
  },
  "--exclude holds against the path in the source directory too": {
    steps: ["COPY --exclude=*.txt dir/sub /x/"],
    tree: ["x 755", "x/deep 755", "x/deep/z.txt 644"],
  },
  "ADD --unpack=false copies an archive": {
    steps: ["ADD --unpack=false t.tar /x/"],
    tree: ["x 755", "x/t.tar 644"],
  },
};

describe("COPY and ADD beside buildah 1.39", () => {
  oracle(
    [oracleRoot, "xz", "bzip2", "zstd"],
    "give the same trees and refuse the same",
    async () => {
      using folder = tempDir();
      const context = folder.join("context");
      mkdirSync(context);
      makeContext(context);
      using server = await serve(context);
      const at = (step: string): string => step.replace("ORIGIN", server.origin);
      const cases = Object.entries(CASES).map(([name, each]) => ({ ...each, name, steps: each.steps.map(at) }));
      await theirTrees(cases, folder.path, context);
      const differing: Record<string, unknown> = {};
      const refused: string[] = [];
      for (const [index, { name, ...each }] of cases.entries()) {
        const tar = folder.join(`case-${index}.tar`);
        const ours = await ourTree(context, each).catch((error: unknown) => {
          if (error instanceof BuildError) return error;
          throw error;
        });
        if (!existsSync(tar)) {
          refused.push(name);
          const log = readFileSync(folder.join(`case-${index}.log`), "utf8");
          if (!(ours instanceof BuildError)) differing[name] = { steps: each.steps, theirs: log, ours: "a tree" };
          continue;
        }
        if (ours instanceof BuildError) {
          differing[name] = { steps: each.steps, theirs: "a tree", ours: ours.message };
          continue;
        }
        using source = FileSource.open(tar);
        const theirs = await readTarTree(source);
        const times = timed(theirs);
        const [wanted, found] = [await listing(theirs, times), await listing(ours, times)];
        if (JSON.stringify(wanted) !== JSON.stringify(found)) differing[name] = { steps: each.steps, wanted, found };
      }
      expect(differing).toEqual({});
      expect(refused.sort()).toEqual(REFUSED);
      await run("rm", ["-rf", folder.join("store"), folder.join("run")]);
    },
    { proves: "COPY and ADD do what buildah does", timeoutMs: 600_000 },
  );

  for (const [name, { steps, tree }] of Object.entries(BY_HAND)) {
    oracle(
      ["xz", "bzip2", "zstd"],
      `${name} (by the Dockerfile reference)`,
      async () => {
        using folder = tempDir();
        const context = folder.join("context");
        mkdirSync(context);
        makeContext(context);
        const found = [...walk(await ourTree(context, { steps }))].slice(1);
        expect(found.map(({ path, inode }) => `${path} ${inode.mode.toString(8)}`)).toEqual(tree);
      },
      { proves: "what buildah 1.39 does not know" },
    );
  }
});

/** Roots of build steps on real file systems: find, sha256sum and getfattr compare, GNU tar and umoci read the layers. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { type Content, contentOf } from "../../src/base/io/index.ts";
import { run } from "../../src/base/process/index.ts";
import type { HostNamespace } from "../../src/build/root/index.ts";
import type { LayerEntry } from "../../src/tree/index.ts";
import {
  BASE,
  dir,
  EPOCH,
  file,
  listing,
  type Outcome,
  OWNED,
  playSteps,
  type Step,
  symlink,
  tagImage,
  USER_STEPS,
} from "../support/build-root.ts";
import { asUser } from "../support/build-places.ts";
import { asRoot, oracle, tempDir } from "../support/tools.ts";

const AS_ROOT: HostNamespace = { ids: "all", enter: (program, args) => ({ program, args }) };
const NEEDS = [asRoot, "tar", "find", "getfattr", "setfattr", "setfacl", "setcap"];

interface Case {
  readonly base?: readonly LayerEntry[];
  readonly steps: readonly Step[];
  /** Entries of the last step's layer. */
  readonly wanted: readonly string[];
}

/** "end" at the end, nothing before. */
function holey(sizeBytes: number): Content {
  const extents = contentOf(Buffer.from("end")).extents.map((extent) => ({ ...extent, at: sizeBytes - 3 }));
  return { sizeBytes, extents };
}

const CASES: Readonly<Record<string, Case>> = {
  "nothing at all": { steps: [{ script: "true" }], wanted: [] },
  "touched with the same result": {
    steps: [
      {
        script:
          "touch -r etc/conf ref; cat etc/conf >x; cat x >etc/conf; touch -r ref etc/conf; rm x ref; touch -d @1500000000 .",
      },
    ],
    wanted: [],
  },
  "a new file and its directory's time": {
    steps: [{ script: "mkdir -p opt/app; echo hi >opt/app/file" }],
    wanted: [" directory", "opt directory", "opt/app directory", "opt/app/file file"],
  },
  "a deleted directory": {
    steps: [{ script: "rm -r usr/lib/deep" }],
    wanted: ["usr/lib directory", "usr/lib/deep gone"],
  },
  "a directory that was made again": {
    steps: [{ script: "rm -r usr/lib/deep; mkdir usr/lib/deep; echo z >usr/lib/deep/z" }],
    wanted: [
      "usr/lib directory",
      "usr/lib/deep directory",
      "usr/lib/deep/x gone",
      "usr/lib/deep/y gone",
      "usr/lib/deep/z file",
    ],
  },
  "a directory of a lower layer under another name": {
    steps: [{ script: "mv usr/lib/deep usr/lib/moved" }],
    wanted: [
      "usr/lib directory",
      "usr/lib/deep gone",
      "usr/lib/moved directory",
      "usr/lib/moved/x file",
      "usr/lib/moved/y file",
    ],
  },
  "a renamed directory with one of two names of a file": {
    steps: [{ script: "ln usr/lib/deep/x etc/x" }, { script: "mv usr/lib/deep usr/deep" }],
    wanted: [
      "etc/x file",
      "usr directory",
      "usr/deep directory",
      "usr/deep/x hardlink etc/x",
      "usr/deep/y file",
      "usr/lib directory",
      "usr/lib/deep gone",
    ],
  },
  "a file in place of a directory, and the other way round": {
    steps: [{ script: "rm -r usr/lib/deep; echo f >usr/lib/deep; rm usr/lib/c; mkdir usr/lib/c; echo g >usr/lib/c/g" }],
    wanted: ["usr/lib directory", "usr/lib/c directory", "usr/lib/c/g file", "usr/lib/deep file"],
  },
  "a link in place of a directory": {
    steps: [{ script: "mv usr/lib/deep tmp/d; ln -s ../../tmp/d usr/lib/deep" }],
    wanted: [
      "tmp directory",
      "tmp/d directory",
      "tmp/d/x file",
      "tmp/d/y file",
      "usr/lib directory",
      "usr/lib/deep symlink ../../tmp/d",
    ],
  },
  "one more name of a file": {
    steps: [{ script: "ln usr/lib/a etc/z" }],
    wanted: ["etc directory", "etc/z file", "usr/lib/a hardlink etc/z", "usr/lib/b hardlink etc/z"],
  },
  "one name less": { steps: [{ script: "rm usr/lib/a" }], wanted: ["usr/lib directory", "usr/lib/a gone"] },
  "names that were parted": {
    steps: [{ script: "cp -p usr/lib/a x; mv x usr/lib/a; touch -d @1500000000 . usr/lib" }],
    wanted: ["usr/lib/b file"],
  },
  "a changed mode, with the set-user-id bit kept": {
    steps: [{ script: "chmod 4711 suid; chmod 0700 etc" }],
    wanted: ["etc directory", "suid file"],
  },
  "extended attributes, capabilities and lists": {
    steps: [
      {
        script: String.raw`setcap cap_net_raw+ep usr/lib/c; setfattr -n user.bin -v 0x000a3dff etc/conf
mkdir acl; setfacl -d -m u:5:rwx acl; echo in >acl/inherits; setfacl -m u:7:r etc/late; setfattr -n user.d -v 1 acl`,
      },
    ],
    wanted: [" directory", "acl directory", "acl/inherits file", "etc/conf file", "etc/late file", "usr/lib/c file"],
  },
  "a label that the disk does not show": { steps: [{ script: "chmod 600 labelled" }], wanted: ["labelled file"] },
  "names of every kind": {
    steps: [
      {
        script: String.raw`cd tmp; printf a >"$(printf 'new\nline')"; printf b >"$(printf '\377\376')"; printf c >"-rf"; printf d >" x\\n"`,
      },
    ],
    wanted: ["tmp directory", "tmp/ x\\\\n file", "tmp/-rf file", "tmp/new\\nline file", "tmp/ÿþ file"],
  },
  "pipes, but no sockets": {
    steps: [
      { script: `mkfifo tmp/pipe; perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local=>"tmp/sock",Listen=>1)'` },
    ],
    wanted: ["tmp directory", "tmp/pipe fifo"],
  },
  "times before 1970, with fractions and of the future": {
    steps: [{ script: "touch -d @-5 tmp/old; touch -d @1500000000.75 tmp/half; touch -d @4000000000 tmp/future" }],
    wanted: ["tmp directory", "tmp/future file", "tmp/half file", "tmp/old file"],
  },
  "what a copy between two commands did": {
    steps: [
      { script: "echo one >etc/one" },
      {
        copy: [
          file("etc/one", "two"),
          file("usr/lib/.wh.deep", ""),
          file("usr/lib/a", "new a"),
          dir("lib"),
          file("lib/x", "no longer a link"),
          file("tmp/.wh..wh..opq", ""),
          symlink("suid", "etc/conf"),
        ],
      },
      {
        script:
          "cat etc/one >>tmp/seen; test ! -e usr/lib/deep; test -d lib -a ! -L lib; test -L suid; cat usr/lib/b >>tmp/seen",
      },
    ],
    wanted: ["tmp directory", "tmp/seen file"],
  },
  "what the step before did, once": {
    steps: [
      { script: "mkdir d; echo a >d/a; ln d/a d/b; ln -s a d/s" },
      { script: "touch d/a d; chmod -h 777 d/s 2>/dev/null || true" },
    ],
    wanted: [],
  },
  "nothing, in a file whose holes stay holes": {
    base: [{ ...file("big", ""), content: holey(50_000_000) }],
    steps: [
      { script: 'test "$(stat -c %s big)" = 50000000; test "$(stat -c %b big)" -lt 64; test "$(tail -c 3 big)" = end' },
    ],
    wanted: [],
  },
  "a hole": {
    steps: [
      {
        script: "truncate -s 5G tmp/sparse; echo end >>tmp/sparse; truncate -s 0 tmp/sparse; truncate -s 9M tmp/sparse",
      },
    ],
    wanted: ["tmp directory", "tmp/sparse file"],
  },
};

describe("what a step changed", () => {
  for (const [name, { base, steps, wanted }] of Object.entries(CASES)) {
    oracle(
      NEEDS,
      `is ${name}`,
      async () => {
        using folder = tempDir();
        const outcome = await playSteps(folder.path, AS_ROOT, [...BASE, ...OWNED, ...(base ?? [])], steps, EPOCH);
        expect(outcome.steps.at(-1)).toEqual(wanted);
        expect(outcome.fresh).toBe(outcome.worked);
        expect(outcome.kept).toBe(outcome.pristine);
      },
      { proves: "a layer holds what a step did" },
    );
  }
});

const DRESS = "setfattr -n user.evil -v 1 usr/lib; setfacl -d -m u:5:rwx usr/lib";

describe("what the next build finds", () => {
  for (const hasFailed of [false, true]) {
    oracle(
      NEEDS,
      `has no attributes of a directory from a step before it${hasFailed ? ", which failed" : ""}`,
      async () => {
        using folder = tempDir();
        const outcome = await playSteps(folder.path, AS_ROOT, [...BASE, ...OWNED], [{ script: DRESS, hasFailed }]);
        expect(outcome.kept).toBe(outcome.pristine);
        expect(outcome.steps).toEqual(hasFailed ? [] : [["usr/lib directory"]]);
      },
      { proves: "builds do not depend on those before them" },
    );
  }
});

describe("a kept directory", () => {
  for (const damage of ["echo nothing >", "rm "]) {
    const script = `${damage}../snapshot-all; rm -r usr/lib/deep etc/conf; echo new >etc/new; chmod 700 usr/lib`;
    oracle(
      NEEDS,
      `that has lost what is known of it (${damage}) still tells what a step did, and is made anew`,
      async () => {
        using folder = tempDir();
        const base = [...BASE, ...OWNED];
        await playSteps(folder.path, AS_ROOT, base, [{ script: "true" }], EPOCH);
        const outcome = await playSteps(folder.path, AS_ROOT, base, [{ script }], EPOCH);
        expect(outcome.steps).toEqual([
          ["etc directory", "etc/conf gone", "etc/new file", "usr/lib directory", "usr/lib/deep gone"],
        ]);
        expect(outcome.fresh).toBe(outcome.worked);
        expect(outcome.kept).toBe(outcome.pristine);
      },
      { proves: "a damaged store gives no wrong layer" },
    );
  }
});

describe("a build's layers", () => {
  oracle(
    NEEDS,
    "hold whatever commands and copies do to files, links and directories",
    async () => {
      const name = fc.constantFrom("a", "b", "c", "usr", "lib", "deep");
      const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
      const command = fc.oneof(
        fc.tuple(fc.constantFrom("mv -T", "ln", "ln -sn", "cp -aT"), path, path).map((words) => words.join(" ")),
        fc
          .tuple(fc.constantFrom("rm -rf", "mkdir -p", "touch", "chmod 700", "mkfifo"), path)
          .map((words) => words.join(" ")),
        fc.tuple(fc.constantFrom("1", "2"), path).map(([text, at]) => `echo ${text} >${at}`),
      );
      const script = fc
        .array(command, { minLength: 1, maxLength: 8 })
        .map((commands) => commands.map((each) => `(${each}) 2>/dev/null || true`).join("\n"));
      const copied = fc.oneof(
        path.map((at) => file(at, "copied")),
        path.map((at) => dir(at)),
        path.map((at) => symlink(at, "usr")),
        path.map((at) => file(at.replace(/[^/]*$/, ".wh.$&"), "")),
        path.map((at) => file(`${at}/.wh..wh..opq`, "")),
      );
      // Nothing below another entry: that might be a file.
      const copy = fc
        .array(copied, { minLength: 1, maxLength: 4 })
        .map((entries) =>
          entries.filter(
            ({ path: at }, index) =>
              !entries.some((other, place) => place !== index && `${at}/`.startsWith(`${other.path}/`)),
          ),
        );
      const step = fc.oneof(
        script.map((each): Step => ({ script: each })),
        copy.map((each): Step => ({ copy: each })),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), fc.boolean(), async (steps, hasEpoch) => {
          using folder = tempDir();
          const outcome = await playSteps(folder.path, AS_ROOT, BASE, steps, hasEpoch ? EPOCH : undefined);
          expect(outcome.fresh).toBe(outcome.worked);
          expect(outcome.kept).toBe(outcome.pristine);
        }),
        { numRuns: Number(process.env["SLIPWAY_ROOT_RUNS"] ?? 6), seed: 5 },
      );
    },
    { proves: "a layer holds what a step did", timeoutMs: 600_000 },
  );

  oracle(
    [...NEEDS, "umoci"],
    "unpack to what the steps left",
    async () => {
      using folder = tempDir();
      const steps = Object.values(CASES)
        .flatMap((each) => each.steps)
        // Each works on the base: what needs the files of the others' base goes first in the table.
        .filter(({ script }) => script !== undefined && MIXED.some((part) => script.includes(part)));
      expect(steps.length).toBe(MIXED.length);
      const outcome = await playSteps(folder.path, AS_ROOT, [...BASE, ...OWNED], [...steps, ...COPIES], EPOCH);
      expect(outcome.fresh).toBe(outcome.worked);
      expect(outcome.kept).toBe(outcome.pristine);
      await tagImage(folder.path, outcome.layers, "built");
      await run("umoci", ["unpack", "--image", `${folder.join("store")}:built`, folder.join("bundle")]);
      expect(await listing(AS_ROOT, folder.join("bundle/rootfs"))).toBe(outcome.worked);
    },
    { proves: "other tools unpack our layers to the same files" },
  );

  oracle(
    [...NEEDS, "newuidmap", "setpriv", "unshare"],
    "are the same for root, a user with a range of ids, and a user with one",
    async () => {
      using folder = tempDir();
      const asRootOutcome = await playSteps(folder.join("root"), AS_ROOT, [...BASE, ...OWNED], USER_STEPS, EPOCH);
      expect(asRootOutcome.fresh).toBe(asRootOutcome.worked);
      expect(asRootOutcome.kept).toBe(asRootOutcome.pristine);
      expect(asRootOutcome.steps.at(-1)).toEqual([
        "etc/conf file",
        "etc/conf2 hardlink etc/conf",
        "etc/new file",
        "opt directory",
        "shared directory",
        "usr/lib/c file",
      ]);
      for (const [ids, count] of [
        ["range", 65_536],
        ["one", 0],
      ] as const) {
        const prefix = await asUser(folder.path, count);
        const outcome = await asProgram(prefix, folder.join(`home-of-builder`, ids));
        expect(outcome.ids).toBe(ids);
        expect(outcome.steps).toEqual(asRootOutcome.steps);
        expect(outcome.layers).toEqual(asRootOutcome.layers);
        expect(outcome.fresh).toBe(outcome.worked);
        expect(outcome.kept).toBe(outcome.pristine);
        expect(outcome.left).toEqual([]);
      }
    },
    { proves: "builds do not depend on who runs them", timeoutMs: 60_000 },
  );

  oracle(
    [...NEEDS, "newuidmap", "setpriv", "unshare"],
    "are built where a killed build has left its files, which go",
    async () => {
      using folder = tempDir();
      const prefix = await asUser(folder.path);
      const place = folder.join("home-of-builder", "place");
      await expect(asProgram(prefix, place, "crash")).rejects.toThrow("signal");
      expect(readdirSync(`${place}/work`)).toHaveLength(1);
      expect((await asProgram(prefix, place)).left).toEqual([]);
    },
    { proves: "killed builds leave nothing for long", timeoutMs: 60_000 },
  );
});

/** Scripts of the table that can follow one another. */
const MIXED = [
  "mkdir -p opt/app",
  "rm -r usr/lib/deep; mkdir",
  "ln usr/lib/a etc/z",
  "chmod 4711 suid",
  "setcap",
  "new\\nline",
  "mkfifo",
  "touch -d @-5",
];
const COPIES: readonly Step[] = [
  { copy: [file("opt/.wh..wh..opq", ""), file("opt/later", "x"), dir("lib"), symlink("suid", "etc/conf")] },
];

async function asProgram(
  prefix: readonly string[],
  folder: string,
  mode?: string,
): Promise<Outcome & { readonly ids: string; readonly left: readonly string[] }> {
  const script = fileURLToPath(new URL("../support/build-root.ts", import.meta.url));
  const command = [...prefix, process.execPath, script, folder, ...(mode === undefined ? [] : [mode])];
  const { stdout } = await run(command[0] as string, command.slice(1));
  return JSON.parse(stdout) as Awaited<ReturnType<typeof asProgram>>;
}

/**
 * The direction of imports (ARCHITECTURE.md), proven on every import below src/: areas know only areas beneath them,
 * reach each other through index.ts, and keep I/O where it belongs. A new area needs a place in LEVELS.
 */
import { describe, expect, it } from "vitest";
import { entryGraph, type Import, readSources } from "./support/imports.ts";

/** From the ground up. Areas of one level do not import each other, save for SAME_LEVEL. */
const LEVELS: readonly (readonly string[])[] = [
  ["base"],
  ["formats"],
  ["tree", "oci"],
  ["image", "ostree"],
  ["build", "disk", "installer", "registry", "host", "vm", "fleet"],
  ["cli"],
];

/** Above all areas: of the sources, of the built program. */
const ENTRIES: readonly string[] = ["main.ts", "launcher.ts"];

/** The only imports between areas of one level: [from, to]. */
const SAME_LEVEL: readonly (readonly [from: string, to: string])[] = [
  ["oci", "tree"],
  ["ostree", "image"],
];

/** What format code may not touch: files, sockets, processes, threads. */
const NOT_IN_FORMATS = /^node:(fs|net|http|http2|https|tls|dgram|dns|child_process|worker_threads|cluster|os)(\/|$)/;

/** Too slow to load before the command that needs them is known. */
const LAZY_PACKAGES: readonly string[] = ["@noble/ciphers", "bcryptjs", "koffi", "pino", "smol-toml", "undici", "yaml"];

const FEWEST_FILES = 100;

const sources = readSources();
const imports = sources.flatMap((source) => source.imports);
const productImports = imports.filter((entry) => !entry.from.endsWith(".test.ts"));

describe("imports below src/", () => {
  it(`are read from at least ${FEWEST_FILES} files`, () => {
    expect(sources.length).toBeGreaterThanOrEqual(FEWEST_FILES);
    expect(imports.length).toBeGreaterThanOrEqual(FEWEST_FILES);
  });

  it("come from areas that have a level", () => {
    const known = new Set(LEVELS.flat());
    const areas = new Set(sources.map((source) => source.area));
    expect([...areas].filter((area) => !ENTRIES.includes(area) && !known.has(area))).toEqual([]);
  });

  it("lead to lower areas only", () => {
    expect(offending((entry) => crossesAreas(entry) && !isAllowedDirection(entry))).toEqual([]);
  });

  it("enter another area through its index.ts", () => {
    expect(offending((entry) => crossesAreas(entry) && !isFace(entry))).toEqual([]);
  });

  it("never lead to the importing area's own index.ts", () => {
    const own = (entry: Import): boolean =>
      entry.toArea === entry.fromArea && entry.to === `src/${entry.toArea}/index.ts`;
    expect(offending(own)).toEqual([]);
  });

  it("stay inside src/", () => {
    const outside = (entry: Import): boolean =>
      entry.to !== undefined && !entry.to.startsWith("src/") && entry.to !== "package.json";
    expect(offending(outside)).toEqual([]);
  });

  it("lead to files that exist", () => {
    expect(offending((entry) => entry.to !== undefined && !entry.exists)).toEqual([]);
  });

  it("keep files, sockets and processes out of formats/", () => {
    expect(offending((entry) => entry.fromArea === "formats" && NOT_IN_FORMATS.test(entry.specifier))).toEqual([]);
  });

  it("start programs in base/process only", () => {
    const spawns = (entry: Import): boolean =>
      /^(node:)?child_process$/.test(entry.specifier) && !entry.from.startsWith("src/base/process/");
    expect(offending(spawns)).toEqual([]);
  });

  it("name Node's own modules with the node: prefix", () => {
    expect(
      offending((entry) =>
        /^(fs|path|os|url|util|crypto|stream|zlib|events|http|https|net)(\/|$)/.test(entry.specifier),
      ),
    ).toEqual([]);
  });

  it("keep slow packages out of what the entries load at once", () => {
    const graph = entryGraph(sources, "src/cli/index.ts");
    const slow = graph.filter((entry) =>
      LAZY_PACKAGES.some((name) => entry.specifier === name || entry.specifier.startsWith(`${name}/`)),
    );
    expect(slow.map(describeImport)).toEqual([]);
  });
});

function offending(isWrong: (entry: Import) => boolean): string[] {
  return productImports.filter(isWrong).map(describeImport);
}

function describeImport(entry: Import): string {
  return `${entry.from}:${entry.line} imports ${entry.specifier}`;
}

function crossesAreas(entry: Import): boolean {
  return entry.toArea !== undefined && entry.toArea !== entry.fromArea && !ENTRIES.includes(entry.fromArea);
}

function isAllowedDirection(entry: Import): boolean {
  const from = levelOf(entry.fromArea);
  const to = levelOf(entry.toArea ?? "");
  return from > to || SAME_LEVEL.some(([left, right]) => left === entry.fromArea && right === entry.toArea);
}

function levelOf(area: string): number {
  return LEVELS.findIndex((level) => level.includes(area));
}

/** `<area>/index.ts`; in base also `base/<folder>/index.ts` and `base/<file>.ts`; in formats `formats/<format>/index.ts`. */
function isFace(entry: Import): boolean {
  const inside = (entry.to ?? "").split("/").slice(2);
  if (entry.toArea === "base") return inside.length === 1 || (inside.length === 2 && inside[1] === "index.ts");
  if (entry.toArea === "formats") return inside.length === 2 && inside[1] === "index.ts";
  return inside.length === 1 && inside[0] === "index.ts";
}

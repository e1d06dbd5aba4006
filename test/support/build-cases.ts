/**
 * The cases of the differential suite, test/vectors/build/cases/*.cases. A file holds several:
 *
 *     === name of the case            what follows is its own
 *     options: --build-arg A=1        for both tools; @DIR@ is the case's folder, @URL@ a server with the shared context
 *     by hand: reason                 the expectation below is from the documentation, not from buildah
 *     fails: text                     both must refuse it; our message has this text
 *     --- Containerfile               files of the context, in addition to those of build-context.sh
 *     --- ../outside.txt 0600         with a mode; paths are relative to the context
 *     --- file.txt 0644 user.a=b      and with an extended attribute
 *     --- =expected                   for "by hand": lines as of build-listing.ts
 */
import { createHash } from "node:crypto";
import { chmodSync, lutimesSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "./tools.ts";

const FOLDER = join(dirname(import.meta.dirname), "vectors", "build", "cases");
const CONTEXT_SCRIPT = join(import.meta.dirname, "build-context.sh");
/** Of every file in a context. */
export const CONTEXT_SECONDS = 1_400_000_000;

export interface BuildCase {
  /** `topic: name`. */
  readonly name: string;
  readonly options: readonly string[];
  readonly byHand?: string;
  readonly fails?: string;
  readonly files: readonly CaseFile[];
  readonly expected?: readonly string[];
  /** Changes with everything that the answer depends on, but the base and the tool. */
  readonly digest: string;
}

interface CaseFile {
  readonly path: string;
  readonly mode: number;
  readonly xattr?: readonly [name: string, value: string];
  readonly text: string;
}

const EXPECTED = "=expected";

export function readCases(): BuildCase[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".cases"));
  return files
    .toSorted()
    .flatMap((name) => parseCases(name.replace(".cases", ""), readFileSync(join(FOLDER, name), "utf8")));
}

function parseCases(topic: string, text: string): BuildCase[] {
  const parts = text.split(/^=== /m).slice(1);
  return parts.map((part) => {
    const [head = "", ...sections] = part.split(/^--- /m);
    const [name = "", ...fields] = head.trimEnd().split("\n");
    const field = (key: string): string | undefined =>
      fields.find((line) => line.startsWith(`${key}: `))?.slice(key.length + 2);
    const files = sections.map(parseFile);
    const [byHand, fails] = [field("by hand"), field("fails")];
    const expected = files
      .find(({ path }) => path === EXPECTED)
      ?.text.trimEnd()
      .split("\n");
    const hash = createHash("sha256").update(readFileSync(CONTEXT_SCRIPT)).update(part);
    return {
      name: `${topic}: ${name}`,
      options: (field("options") ?? "").split(" ").filter((word) => word !== ""),
      ...(byHand === undefined ? {} : { byHand }),
      ...(fails === undefined ? {} : { fails }),
      ...(expected === undefined ? {} : { expected }),
      files: files.filter(({ path }) => path !== EXPECTED),
      digest: hash.digest("hex"),
    };
  });
}

function parseFile(section: string): CaseFile {
  const end = section.indexOf("\n");
  const head = /^(.*?)(?: (0[0-7]{3,4})(?: (\S+?)=(\S*))?)?$/.exec(section.slice(0, end));
  const [, path = "", mode = "644", name, value = ""] = head ?? [];
  const text = section.slice(end + 1);
  return { path, mode: parseInt(mode, 8), ...(name === undefined ? {} : { xattr: [name, value] as const }), text };
}

/** The shared context in `FOLDER/context`, to be copied for each case. */
export async function makeSharedContext(folder: string): Promise<string> {
  await run("sh", [CONTEXT_SCRIPT, join(folder, "context")]);
  return join(folder, "context");
}

/** Writes a case's context to `folder/context`, and what is beside it. */
export async function writeCase(buildCase: BuildCase, shared: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const context = join(folder, "context");
  await run("cp", ["-a", shared, context]);
  for (const { path, mode, xattr, text } of buildCase.files) {
    const file = join(context, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
    if (xattr !== undefined) await run("setfattr", ["-n", xattr[0], "-v", xattr[1], file]);
    for (let each = file; each !== folder; each = dirname(each)) lutimesSync(each, CONTEXT_SECONDS, CONTEXT_SECONDS);
  }
}

/** The options with their places filled in. */
export function optionsOf({ options }: BuildCase, folder: string, url: string): string[] {
  return options.map((option) => option.replaceAll("@DIR@", folder).replaceAll("@URL@", url));
}

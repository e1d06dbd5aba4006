/**
 * What buildah of the oracle root makes of the cases. All that are not known yet are built in one entry of the root; the
 * answers are kept below .cache/build-answers under digests of the case, the bases and the root, so a second run asks nothing.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DirStore } from "../../src/oci/index.ts";
import { busyboxBase, busyboxDiffId, richBases } from "./build-bases.ts";
import { type BuildCase, optionsOf, writeCase } from "./build-cases.ts";
import { Lister, type Listing } from "./build-listing.ts";
import { rootDirectory, runNewer } from "./oracle-root.ts";

export type Answer = { readonly listing: Listing } | { readonly refused: string };

const ANSWERS = join(dirname(dirname(import.meta.dirname)), ".cache", "build-answers");
const RUNNER = join(import.meta.dirname, "build-with-buildah.sh");
const JOBS = 2;
export interface Surroundings {
  /** Everything is below it. */
  readonly folder: string;
  readonly sharedContext: string;
  readonly url: string;
}

/** Names of the bases in Containerfiles, and where they are. */
export async function baseImages(folder: string): Promise<ReadonlyMap<string, string>> {
  const { rich, onbuild } = await richBases(folder);
  return new Map([
    ["localhost/base:busybox", `oci:${await busyboxBase()}:1`],
    ["localhost/base:rich", rich],
    ["localhost/base:onbuild", onbuild],
  ]);
}

export async function askBuildah(
  cases: readonly BuildCase[],
  around: Surroundings,
): Promise<ReadonlyMap<BuildCase, Answer>> {
  const key = await commonKey();
  const place = ({ digest }: BuildCase): string =>
    join(ANSWERS, `${createHash("sha256").update(key).update(digest).digest("hex").slice(0, 32)}.json`);
  mkdirSync(ANSWERS, { recursive: true });
  const unknown = cases.filter((each) => !existsSync(place(each)));
  if (unknown.length > 0) {
    const answers = await build(unknown, around);
    for (const each of unknown) writeFileSync(place(each), JSON.stringify(answers.get(each)));
  }
  return new Map(cases.map((each) => [each, JSON.parse(readFileSync(place(each), "utf8")) as Answer]));
}

/** What all answers depend on: these programs, the bases, the root with its buildah. */
async function commonKey(): Promise<string> {
  const sources = [RUNNER, import.meta.filename, join(import.meta.dirname, "build-listing.ts")];
  const names = [basename(await rootDirectory()), basename(await busyboxBase())];
  return [...sources.map((file) => readFileSync(file, "utf8")), ...names].join("\0");
}

async function build(cases: readonly BuildCase[], around: Surroundings): Promise<ReadonlyMap<BuildCase, Answer>> {
  const folder = join(around.folder, "buildah");
  const places = cases.map((_, index) => join(folder, String(index)));
  for (const [index, each] of cases.entries()) {
    const at = places[index] as string;
    await writeCase(each, around.sharedContext, at);
    const words = [...optionsOf(each, at, around.url), join(at, "context")];
    writeFileSync(join(at, "arguments"), words.join("\n"));
  }
  const bases = await baseImages(around.folder);
  const named = [...bases].map(([name, where]) => `${name}=${where}`);
  await runNewer("sh", ["-c", readFileSync(RUNNER, "utf8"), RUNNER, folder, String(JOBS), ...named], {
    folders: [around.folder, await busyboxBase()],
  });
  const lister = new Lister(join(around.folder, "cache-buildah"));
  const answers = new Map<BuildCase, Answer>();
  for (const [index, each] of cases.entries()) answers.set(each, await answerAt(places[index] as string, lister));
  return answers;
}

async function answerAt(folder: string, lister: Lister): Promise<Answer> {
  if (readFileSync(join(folder, "status"), "utf8").trim() !== "0")
    return { refused: readFileSync(join(folder, "log"), "utf8").trim().split("\n").slice(-4).join("\n") };
  return { listing: await lister.list(await DirStore.open(join(folder, "image")), undefined, await busyboxDiffId()) };
}

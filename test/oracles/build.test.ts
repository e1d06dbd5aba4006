/**
 * `slipway build` beside buildah of the oracle root: the same Containerfile, context and base make the same file tree and
 * the same config. What buildah refuses is judged by an expectation from the documentation, and counted apart.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { LayoutStore } from "../../src/oci/index.ts";
import { busyboxDiffId, busyboxThere } from "../support/build-bases.ts";
import {
  type BuildCase,
  CONTEXT_SECONDS,
  makeSharedContext,
  optionsOf,
  readCases,
  writeCase,
} from "../support/build-cases.ts";
import { differences } from "../support/build-differences.ts";
import { Lister, type Listing } from "../support/build-listing.ts";
import { type Answer, askBuildah, baseImages, type Surroundings } from "../support/build-oracle.ts";
import { oracleRoot } from "../support/oracle-root.ts";
import { type Outcome, slipway } from "../support/slipway.ts";
import { missingOf, oracle, tempDir } from "../support/tools.ts";

const NEEDS = [oracleRoot, busyboxThere];
const cases = readCases();
const judged = cases.filter(({ byHand }) => byHand === undefined);
const byHand = cases.filter((each) => each.byHand !== undefined);
const folder = tempDir();
let server: Server;
let around: Surroundings;
let answers: ReadonlyMap<BuildCase, Answer>;
let lister: Lister;

beforeAll(async () => {
  if (missingOf(NEEDS).length > 0) return;
  const sharedContext = await makeSharedContext(folder.path);
  server = await serve(sharedContext);
  around = { folder: folder.path, sharedContext, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  answers = await askBuildah(judged, around);
  for (const [name, where] of await baseImages(folder.path)) await ours(["copy", where, name]);
  lister = new Lister(folder.join("cache"));
});

afterAll(() => {
  server?.close();
  folder[Symbol.dispose]();
});

/** The shared context over HTTP, with the times of its files. */
async function serve(context: string): Promise<Server> {
  const made = createServer((request, response) => {
    const file = join(context, basename(request.url ?? ""));
    if (!existsSync(file)) response.writeHead(404).end();
    else response.setHeader("Last-Modified", new Date(CONTEXT_SECONDS * 1000).toUTCString()).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  return made;
}

function ours(argv: readonly string[]): Promise<Outcome> {
  return slipway(["--store", folder.join("store"), ...argv]);
}

async function build(each: BuildCase): Promise<Listing | Outcome> {
  const index = cases.indexOf(each);
  const place = folder.join("ours", String(index));
  await writeCase(each, around.sharedContext, place);
  const name = `localhost/case:${index}`;
  const outcome = await ours(["build", ...optionsOf(each, place, around.url), "-t", name, join(place, "context")]);
  if (outcome.exitCode !== 0) return outcome;
  return await lister.list(await LayoutStore.open(folder.join("store")), name, await busyboxDiffId());
}

const isListing = (result: Listing | Outcome): result is Listing => "tree" in result;

function compare(result: Listing | Outcome, wanted: Listing): void {
  if (!isListing(result)) throw new Error(`exit ${result.exitCode}: ${result.stderr}`);
  const found = differences(result, wanted);
  if (found.length > 0) throw new Error(`the images differ:\n${found.join("\n")}`);
}

function refused(result: Listing | Outcome, text: string): void {
  expect(isListing(result) ? "built" : result.stderr).toContain(text);
}

describe.concurrent(`builds as buildah (${judged.length} cases)`, () => {
  for (const each of judged)
    oracle(
      NEEDS,
      each.name,
      async () => {
        const answer = answers.get(each) as Answer;
        const result = await build(each);
        if (each.fails === undefined) {
          expect(answer).not.toHaveProperty("refused");
          if ("listing" in answer) compare(result, answer.listing);
          return;
        }
        expect(answer).toHaveProperty("refused");
        refused(result, each.fails);
      },
      { proves: "what the instructions mean" },
    );
});

describe.concurrent(`builds as the documentation says (${byHand.length} cases that buildah does otherwise)`, () => {
  for (const each of byHand)
    oracle(
      NEEDS,
      `${each.name} (${each.byHand})`,
      async () => {
        const expected = each.expected ?? [];
        const isTree = (line: string): boolean => /^[+-] \//.test(line);
        if (each.fails !== undefined) return refused(await build(each), each.fails);
        compare(await build(each), {
          tree: expected.filter(isTree),
          config: expected.filter((line) => !isTree(line)),
        });
      },
      { proves: "what the instructions mean" },
    );
});

/** The commands of docs/how-to, run as they stand there: fenced `sh` blocks, in order, in an empty folder. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect } from "vitest";
import { debianImage, SHARED_STORE } from "../support/slipway.ts";
import { asRoot, oracle, run, tempDir } from "../support/tools.ts";

const root = dirname(dirname(import.meta.dirname));
const folder = join(root, "docs", "how-to");

describe("how-to pages", () => {
  for (const page of readdirSync(folder).filter((name) => name.endsWith(".md"))) {
    const blocks = shellBlocks(readFileSync(join(folder, page), "utf8"));
    if (blocks.length === 0) continue;
    oracle(
      ["mmdebstrap", "qemu-img", asRoot],
      page,
      async () => {
        await debianImage("trixie");
        using work = tempDir();
        writeFileSync(
          work.join("slipway"),
          `#!/bin/sh\nexec "${process.execPath}" "${join(root, "bin", "slipway.cjs")}" "$@"\n`,
        );
        chmodSync(work.join("slipway"), 0o755);
        for (const block of blocks) {
          const outcome = await run("sh", ["-euc", block], {
            cwd: work.path,
            env: { PATH: `${work.path}:${process.env["PATH"]}:/usr/sbin:/sbin`, SLIPWAY_STORE: SHARED_STORE },
          });
          expect(outcome.exitCode).toBe(0);
        }
      },
      { proves: `${page} says what works` },
    );
  }
});

/** Blocks fenced as `sh`; `sh made-by-fixture` and the like are run elsewhere. */
function shellBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
}

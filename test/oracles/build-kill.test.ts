/** A build that is ended at any point leaves no mount, no process and no half image, and the next build is not hindered. */
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { busyboxBase, busyboxThere } from "../support/build-bases.ts";
import { succeeded, Workbench } from "../support/build-workbench.ts";
import { missingOf, oracle } from "../support/tools.ts";

/** Such a sleep is ours: no other process has this argument. */
const NAP = "86397";
const CONTAINERFILE = `FROM localhost/base:1
COPY large /large
RUN mv /srv/old /srv/new && cp /large /copy
RUN --mount=type=tmpfs,target=/mnt --mount=type=cache,target=/var/cache/x echo now-sleeping; sleep ${NAP} & sleep ${NAP}
`;
const PATIENCE_MS = 10_000;

let bench: Workbench;
let context: string;

beforeAll(async () => {
  if (missingOf(busyboxThere).length > 0) return;
  bench = await Workbench.make({ "localhost/base:1": `oci:${await busyboxBase()}:1` });
  context = bench.context({ Containerfile: CONTAINERFILE, large: Buffer.alloc(20_000_000, "abcdefghij") });
});

afterAll(() => bench?.[Symbol.dispose]());

/** Resolves when the program has said this. */
function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = "";
    const listen = (chunk: Buffer): void => {
      heard += chunk.toString();
      if (heard.includes(text)) resolve();
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("close", () => reject(new Error(`ended before it said ${text}: ${heard}`)));
  });
}

function leftProcesses(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return line.includes(`sleep ${NAP}`) && !line.includes("vitest") ? [`${pid} ${line}`] : [];
      } catch {
        return [];
      }
    });
}

function leftMounts(): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(bench.folder.path));
}

/** Gives the kernel a moment to end what it was told to. */
async function eventually(find: () => string[]): Promise<string[]> {
  for (let waited = 0; find().length > 0 && waited < PATIENCE_MS; waited += 100) await sleep(100);
  return find();
}

/** Ends a build when it has said `text`, or after `text` milliseconds. */
async function endAt(point: string | number, signal: NodeJS.Signals): Promise<number | null> {
  const child = bench.start(["build", "--no-cache", "-t", "localhost/half:1", context]);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  if (typeof point === "number") await sleep(point);
  else await said(child, point);
  child.kill(signal);
  return await ended;
}

async function nothingIsLeft(): Promise<void> {
  expect(await eventually(leftProcesses)).toEqual([]);
  expect(await eventually(leftMounts)).toEqual([]);
  expect((await bench.run(["images"])).stdout).not.toContain("localhost/half");
}

describe("a build that is ended", () => {
  const proves = "builds clean up after themselves";
  for (const signal of ["SIGKILL", "SIGINT", "SIGTERM"] as const) {
    oracle(
      busyboxThere,
      `by ${signal} in the middle of a RUN leaves no process, mount or image`,
      async () => {
        const exitCode = await endAt("now-sleeping", signal);
        if (signal === "SIGINT") expect(exitCode).toBe(130);
        await nothingIsLeft();
      },
      { proves },
    );
  }

  oracle(
    busyboxThere,
    "by SIGKILL at any time leaves nothing that the next build does not clear",
    async () => {
      for (const delayMs of [300, 600, 900, 1300]) {
        await endAt(delayMs, "SIGKILL");
        await nothingIsLeft();
      }
      succeeded(
        await bench.build({ Containerfile: "FROM localhost/base:1\nRUN echo fine > /fine\n" }, "localhost/fine:1"),
      );
      succeeded(
        await bench
          .run(["prune", "--yes"])
          .then(async (outcome) => (outcome.exitCode === 2 ? await bench.run(["prune"]) : outcome)),
      );
      const names = readdirSync(bench.store, { recursive: true, encoding: "utf8" });
      expect(names.filter((name) => /partial|\/work\/|rootfs/.test(name))).toEqual([]);
    },
    { proves },
  );
});

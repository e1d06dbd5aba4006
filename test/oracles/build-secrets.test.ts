/** A secret is in the RUN that asks for it and nowhere else: not in layers, config, history, cache or what is printed. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { busyboxBase, busyboxThere } from "../support/build-bases.ts";
import { succeeded, Workbench } from "../support/build-workbench.ts";
import type { Outcome } from "../support/slipway.ts";
import { missingOf, oracle } from "../support/tools.ts";

const SECRET = "s3cr3t/with+signs&more";
const BASE64 = Buffer.from(SECRET).toString("base64");
const ENCODED = encodeURIComponent(SECRET);
const FORMS = [SECRET, BASE64, BASE64.replace(/=+$/, ""), ENCODED];

let bench: Workbench;
let args: string[];

beforeAll(async () => {
  if (missingOf(busyboxThere).length > 0) return;
  bench = await Workbench.make({ "localhost/base:1": `oci:${await busyboxBase()}:1` });
  args = ["--secret", `id=token,src=${bench.context({ token: SECRET })}/token`];
});

afterAll(() => bench?.[Symbol.dispose]());

function build(run: string, name = "localhost/secret:1"): Promise<Outcome> {
  const lines = [
    "FROM localhost/base:1",
    "ENV KEPT=yes",
    `RUN --mount=type=secret,id=token ${run}`,
    "COPY Containerfile /",
  ];
  return bench.build({ Containerfile: lines.join("\n") }, name, { args });
}

const proves = "secrets stay out of images";
const TOKEN = "$(cat /run/secrets/token)";

describe("a secret that a RUN leaves behind fails the build, and the path is named", () => {
  const leaks: Readonly<Record<string, readonly [run: string, path: string]>> = {
    "as it is in a file": [`mkdir /d && echo "x ${TOKEN} y" > /d/leak`, "/d/leak"],
    "across the blocks of a large file": [
      `{ head -c 65530 /dev/zero; cat /run/secrets/token; head -c 100000 /dev/zero; } > /leak`,
      "/leak",
    ],
    "base64 in a file": ["base64 /run/secrets/token > /leak", "/leak"],
    "URL-encoded in a file": [`sed -e 's|/|%2F|g' -e 's|+|%2B|g' -e 's|&|%26|g' /run/secrets/token > /leak`, "/leak"],
    "in a name": [`touch "/leak-$(sed 's|/|%2F|g; s|+|%2B|g; s|&|%26|g' /run/secrets/token)"`, "/leak-"],
    "in the target of a link": [`ln -s "${TOKEN}" /leak`, "/leak"],
    "in a file that was there": [`cat /run/secrets/token >> /etc/passwd`, "/etc/passwd"],
  };
  for (const [name, [run, path]] of Object.entries(leaks))
    oracle(
      busyboxThere,
      name,
      async () => {
        const outcome = await build(run);
        expect(outcome.exitCode).toBe(1);
        expect(outcome.stderr).toContain(path);
        for (const form of FORMS) expect(outcome.stderr + outcome.stdout).not.toContain(form);
        expect((await bench.run(["images"])).stdout).not.toContain("localhost/secret");
      },
      { proves },
    );
});

describe("a secret that a RUN only uses", () => {
  oracle(
    busyboxThere,
    "is nowhere in the store: layers, config, history, cache",
    async () => {
      const used = `test "${TOKEN}" = '${"x".repeat(3)}' || wc -c < /run/secrets/token > /size; env > /env; cat /proc/self/cmdline > /cmdline`;
      succeeded(await build(used));
      succeeded(await build(used));
      for (const form of FORMS) {
        const found = grep(["-rlF", "-e", form, bench.store]);
        expect(found).toBe("");
      }
      // Blobs are compressed.
      const { layers } = await bench.image("localhost/secret:1");
      for (const { descriptor } of layers) {
        const blob = bench.folder.join("store", "blobs", ...descriptor.digest.split(":"));
        const tar = execFileSync("zcat", [blob], { maxBuffer: 1 << 28 });
        for (const form of FORMS) expect(tar.includes(form)).toBe(false);
      }
    },
    { proves },
  );

  oracle(
    busyboxThere,
    "is masked in the output, in every form, also in pieces",
    async () => {
      const run = `echo "plain: ${TOKEN}"; base64 /run/secrets/token; head -c 7 /run/secrets/token; sleep 0.3; tail -c +8 /run/secrets/token; echo; echo after`;
      const outcome = succeeded(await build(run, "localhost/masked:1"));
      const output = outcome.stdout + outcome.stderr;
      expect(output).toContain("plain: ");
      expect(output).toContain("after");
      for (const form of FORMS) expect(output).not.toContain(form);
    },
    { proves },
  );

  oracle(
    busyboxThere,
    "does not stay in the cache's key: another value finds the step done",
    async () => {
      succeeded(await build("test -s /run/secrets/token && echo one > /one", "localhost/first:1"));
      const other = ["--secret", `id=token,src=${bench.context({ token: "another-value-of-it" })}/token`];
      const lines = [
        "FROM localhost/base:1",
        "ENV KEPT=yes",
        "RUN --mount=type=secret,id=token test -s /run/secrets/token && echo one > /one",
      ];
      succeeded(await bench.build({ Containerfile: lines.join("\n") }, "localhost/second:1", { args: other }));
      const [first, second] = [await bench.image("localhost/first:1"), await bench.image("localhost/second:1")];
      expect(second.layers[1]?.diffId).toBe(first.layers[1]?.diffId);
    },
    { proves },
  );
});

function grep(argv: readonly string[]): string {
  try {
    return execFileSync("grep", argv, { encoding: "utf8" });
  } catch {
    // Nothing found.
    return "";
  }
}

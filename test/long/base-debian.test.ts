/** The same packages, the same bytes: run after run, and as an ordinary user with a user namespace as well as as root. */
import { chmodSync } from "node:fs";
import { describe, expect } from "vitest";
import { slipwayJson } from "../support/slipway.ts";
import { asRoot, oracle, run, tempDir } from "../support/tools.ts";

const USER = "slipway-test";
const EPOCH = { SOURCE_DATE_EPOCH: "1790000000" };
const STALE = ["--apt-option", "Acquire::Check-Valid-Until=false"];

describe("slipway base debian", () => {
  for (const suite of ["bookworm", "trixie", "forky"]) {
    oracle(
      ["mmdebstrap", "newuidmap", "setpriv", "useradd", asRoot],
      `${suite}: root and an ordinary user get the same digest`,
      async () => {
        using folder = tempDir();
        chmodSync(folder.path, 0o755);
        const base = ["base", "debian", "--suite", suite, ...STALE, "-t", "debian:test"];
        const asRootMade = await make([...base, "--store", folder.join("root")]);
        await run("useradd", ["--create-home", USER]);
        try {
          await run("install", ["-d", "-o", USER, folder.join("user")]);
          const under = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups"];
          const asUserMade = await make([...base, "--store", folder.join("user")], under);
          expect(asUserMade).toEqual(asRootMade);
        } finally {
          await run("userdel", ["--remove", USER], { allowExit: [0, 12] });
        }
      },
      { proves: "images can be reproduced, and made without root" },
    );
  }
});

async function make(args: readonly string[], under: readonly string[] = []): Promise<string> {
  const env = { ...EPOCH, ...(under.length === 0 ? {} : { HOME: `/home/${USER}`, USER, LOGNAME: USER }) };
  return (await slipwayJson<{ manifestDigest: string }>(args, { env, under })).manifestDigest;
}

/** `slipway login` as a person at a terminal has it: asked, not echoed, verified, kept, interrupted. */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { start, waitFor } from "../../src/base/process/index.ts";
import { oracle, tempDir } from "../support/tools.ts";

const main = join(import.meta.dirname, "../../src/main.ts");
const AUTH = Buffer.from("me:s3cret").toString("base64");

const registry = createServer((request, response) => {
  if (request.headers.authorization === `Basic ${AUTH}`) response.end("{}");
  else response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
});
let host: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => void registry.listen(0, "127.0.0.1", resolve));
  host = `127.0.0.1:${(registry.address() as AddressInfo).port}`;
});
afterAll(() => void registry.close());

/** Types each answer when its question has come; `script` is the terminal. */
async function atTerminal(
  home: string,
  answers: readonly (readonly [question: string, keys: string])[],
): Promise<{ readonly exitCode: number; readonly shown: string }> {
  const command = `${process.execPath} ${main} login --tls-verify=false ${host}`;
  const child = start("script", ["-qefc", command, "/dev/null"], {
    env: { PATH: process.env["PATH"], HOME: home, XDG_RUNTIME_DIR: home, CONTAINERS_REGISTRIES_CONF: "/dev/null" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  let asked = 0;
  child.stdout?.on("data", (chunk: Uint8Array) => {
    shown += Buffer.from(chunk).toString("utf8");
    const next = answers[asked];
    if (next === undefined || !shown.includes(next[0])) return;
    asked++;
    child.stdin?.write(next[1]);
  });
  const exitCode = await waitFor(child, "script", { timeoutMs: 30_000 });
  return { exitCode, shown };
}

describe("login at a terminal", () => {
  oracle(
    "script",
    "asks for name and password, shows only the name, and keeps what the registry accepts",
    async () => {
      using home = tempDir();
      const { exitCode, shown } = await atTerminal(home.path, [
        ["Username: ", "me\r"],
        ["Password: ", "s3cx\u007fret\r"],
      ]);
      expect(shown).toContain("Logged in to");
      expect(shown).toContain("me");
      expect(shown).not.toContain("s3c");
      expect(exitCode).toBe(0);
      expect(JSON.parse(readFileSync(home.join("containers/auth.json"), "utf8"))).toEqual({
        auths: { [host]: { auth: AUTH } },
      });
    },
    { proves: "passwords are not echoed" },
  );
  oracle(
    "script",
    "ends with 77 when the registry refuses, with 130 on Ctrl-C",
    async () => {
      using home = tempDir();
      const refused = await atTerminal(home.path, [
        ["Username: ", "me\r"],
        ["Password: ", "wr0ng\r"],
      ]);
      expect(refused.exitCode).toBe(77);
      expect(refused.shown).not.toContain("wr0ng");
      const interrupted = await atTerminal(home.path, [
        ["Username: ", "me\r"],
        ["Password: ", "wr0\u0003"],
      ]);
      expect(interrupted.exitCode).toBe(130);
    },
    { proves: "a login can be given up" },
  );
});

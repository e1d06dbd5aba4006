// A push that is not authorised: refused at once without a terminal, asked for a login on one, and then it goes on.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import bcrypt from "bcryptjs";
import { expect } from "vitest";
import { start, waitFor } from "../../src/base/process/index.ts";
import { serveRegistry } from "../support/registry.ts";
import { slipway } from "../support/slipway.ts";
import { TINY_SYSTEM, tinyImage } from "../support/tiny-image.ts";
import { oracle, tempDir } from "../support/tools.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

oracle(
  "script",
  "a push asks for a login on a terminal before it sends anything, and goes on",
  async () => {
    using folder = tempDir();
    const users = folder.join("users");
    writeFileSync(users, `me:${bcrypt.hashSync("secret", 4)}\n`);
    await using registry = await serveRegistry(folder.join("registry"), ["--htpasswd", users]);
    const source = tinyImage(folder.join("source"), [TINY_SYSTEM]);
    const target = `docker://${registry.host}/os:1`;
    const env = { HOME: folder.path, XDG_RUNTIME_DIR: folder.path, SLIPWAY_STORE: folder.join("store") };
    const argv = ["copy", source, target, "--tls-verify", "false"];

    const refused = await slipway(argv, { env });
    expect(refused.exitCode).toBe(77);
    expect(refused.stderr).toContain(`slipway login ${registry.host}`);
    expect(registry.log()).not.toContain('"method":"POST"');

    const command = [process.execPath, MAIN, ...argv].join(" ");
    const terminal = start("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let shown = "";
    const answers: [string, string][] = [
      ["Username:", "me\r"],
      ["Password:", "secret\r"],
    ];
    terminal.stdout?.on("data", (chunk: Buffer) => {
      shown += chunk.toString();
      const [next] = answers;
      if (next === undefined || !shown.includes(next[0])) return;
      answers.shift();
      terminal.stdin?.write(next[1]);
    });
    expect(await waitFor(terminal, "script", { timeoutMs: 60_000 }), shown).toBe(0);
    expect(shown).toContain(`${registry.host} asks for a login`);
    expect(shown).not.toContain("secret");
    expect((await slipway(argv, { env })).exitCode).toBe(0);
  },
  { proves: "a login in the middle of a push" },
);

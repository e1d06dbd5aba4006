/**
 * What is published, seen from the outside: packed by npm, installed without a network into an empty project, run there
 * by Node 24 and by older ones.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool, run, tempDir, type TempFolder } from "./support/tools.ts";

const root = join(import.meta.dirname, "..");
const version = readManifest(join(root, "package.json"))["version"];

let project: TempFolder;
let files: string[];

beforeAll(async () => {
  await run(process.execPath, ["scripts/build.mjs", "--if-stale"], { cwd: root });
  project = tempDir();
  const env = { npm_config_cache: project.join("cache"), npm_config_update_notifier: "false" };
  const pack = ["pack", join(root, "dist/package"), "--pack-destination", project.path, "--json", "--silent"];
  await run("npm", pack, { cwd: project.path, env });
  const tarball = project.join(`slipway-${String(version)}.tgz`);
  files = (await run("tar", ["-tf", tarball])).stdout.trim().split("\n");
  writeFileSync(project.join("package.json"), `{ "name": "empty", "private": true }\n`);
  await run("npm", ["install", tarball, "--offline", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: project.path,
    env,
  });
}, 120_000);

afterAll(() => project[Symbol.dispose]());

describe("the published package", () => {
  it("has no dependencies, no scripts, and asks for Node 24", () => {
    const manifest = readManifest(join(root, "dist/package/package.json"));
    expect(Object.keys(manifest).sort()).toEqual([
      "bin",
      "description",
      "engines",
      "license",
      "name",
      "type",
      "version",
    ]);
    expect(manifest["engines"]).toEqual({ node: ">=24" });
  });

  it("holds the program, its licences and nothing of the clone", () => {
    expect(files).toEqual(
      expect.arrayContaining(["package/main.js", "package/LICENSE", "package/THIRD-PARTY-LICENSES"]),
    );
    expect(files.filter((file) => !/\.(js|cjs|json|md)$|LICENSES?$/.test(file))).toEqual([]);
  });

  it("installs one command and leaves the project's own node alone", () => {
    expect(readdirSync(project.join("node_modules/.bin"))).toEqual(["slipway"]);
    expect(readdirSync(project.join("node_modules")).filter((name) => !name.startsWith("."))).toEqual(["slipway"]);
  });

  it("has errors with the names that they have in the source: exit codes go by them", () => {
    const classes = (folder: string, files: RegExp, pattern: RegExp): string[] => {
      const found = readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => files.test(name))
        .flatMap((name) =>
          Array.from(readFileSync(join(folder, name), "utf8").matchAll(pattern), ([, each = ""]) => each),
        );
      return [...new Set(found)].sort();
    };
    const bundled = classes(join(root, "dist/package"), /\.js$/, /(\w+)=class extends SlipwayError\b/g);
    const known = classes(join(root, "src"), /\.ts$/, /^export class (\w+) extends SlipwayError\b/gm);
    expect(bundled.filter((name) => !known.includes(name))).toEqual([]);
    expect(bundled.length).toBeGreaterThan(10);
  });

  it("runs with Node 24", async () => {
    const result = await run(process.execPath, [project.join("node_modules/.bin/slipway"), "--version"], {
      cwd: project.path,
    });
    expect(result.stdout.trim()).toBe(version);
  });

  it("finds its commands when they are asked for", async () => {
    const result = await run(process.execPath, [project.join("node_modules/.bin/slipway"), "disk", "create", "--help"]);
    expect(result.stdout).toContain("slipway disk create");
  });

  it("reads the YAML of registries.d", async () => {
    const directory = project.join("home/.config/containers/registries.d");
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "a.yaml"), "default-docker: { use-sigstore-attachments: maybe }");
    const env = { ...process.env, HOME: project.join("home"), SLIPWAY_STORE: project.join("store") };
    const pulled = run(process.execPath, [project.join("node_modules/.bin/slipway"), "pull", "127.0.0.1:1/x"], { env });
    await expect(pulled).rejects.toThrow('use-sigstore-attachments is "maybe", want true or false');
  });

  it.each(["v20.20.2", "v6.17.1", "v0.10.48"])("exits 69 with the cure on Node %s", async (old) => {
    const fake = project.join("old-node.cjs");
    writeFileSync(fake, `Object.defineProperty(process, "version", { value: ${JSON.stringify(old)} });`);
    await expectRefusal(process.execPath, ["-r", fake], old);
  });

  const systemNode = findTool("node", ["/usr/local/bin", "/usr/bin"]);
  it("exits 69 with the cure on the machine's own Node, when that is older", async () => {
    if (systemNode === undefined) return;
    const found = (await run(systemNode, ["--version"])).stdout.trim();
    if (Number(/^v(\d+)/.exec(found)?.[1]) < 24) await expectRefusal(systemNode, [], found);
  });

  it("starts with syntax that any Node reads", () => {
    const guard = readFileSync(join(root, "dist/package/bin/slipway.cjs"), "utf8");
    expect(guard).not.toMatch(/\b(const|let|import|async|await)\b|=>|`|\?\.|\?\?/);
  });
});

async function expectRefusal(node: string, flags: readonly string[], found: string): Promise<void> {
  const result = await run(node, [...flags, project.join("node_modules/.bin/slipway"), "--version"], {
    allowExit: [69],
  });
  expect(result.stdout).toBe("");
  expect(result.stderr).toContain(`it needs Node.js 24 or newer, found ${found}`);
  expect(result.stderr).toContain("hint: install Node.js 24");
}

function readManifest(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
}

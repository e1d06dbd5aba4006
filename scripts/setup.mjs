/**
 * Makes a clone ready to run, then runs a script of ours on Node 24:
 *
 *   node scripts/setup.mjs PROFILE [-- SCRIPT [ARGUMENT…]]
 *
 * Profiles and their Debian packages are in debian-packages.json. Plain JavaScript for Node 18 and newer without
 * dependencies: it is what runs before anything is installed. When nothing is to do it costs a few milliseconds.
 */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureDebianPackages, profileNames } from "./setup/debian-packages.mjs";
import { ensureEmulation } from "./setup/emulation.mjs";
import { ensureNodeModules } from "./setup/node-modules.mjs";

const { findNode, runNode } = createRequire(import.meta.url)("./setup/node-24.cjs");
const root = dirname(dirname(fileURLToPath(import.meta.url)));

const separator = process.argv.indexOf("--");
const [profile = "test"] = process.argv.slice(2, separator < 0 ? undefined : separator);
const script = separator < 0 ? [] : process.argv.slice(separator + 1);

if (!profileNames().includes(profile)) {
  console.error(`cannot set up for "${profile}": want one of ${profileNames().join(", ")}`);
  process.exit(2);
}

ensureNodeModules(root);
const node = findNode(root);
if (node === undefined) {
  console.error("cannot find Node.js 24 or newer after npm ci: this machine is neither Linux x64 nor Linux arm64");
  console.error("hint: install Node.js 24 or newer and run the same command again");
  process.exit(69);
}
ensureDebianPackages(profile);
if (profile === "long") ensureEmulation();
if (profile !== "develop") {
  const { buildIfStale } = await import("./build.mjs");
  await buildIfStale().catch((error) => {
    console.error(`set-up: cannot build dist/: ${error.message}`);
    process.exit(1);
  });
}
if (script.length > 0) runNode(node, script, { cwd: root });

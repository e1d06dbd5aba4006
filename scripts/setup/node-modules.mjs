/**
 * Set-up, first part: node_modules as the lockfile says. `npm ci` runs only when package-lock.json differs from the one
 * whose hash lies in node_modules/.slipway-lock, and always with dev and optional dependencies: Node 24 is one of these.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Exits 1 when npm fails. */
export function ensureNodeModules(root) {
  installPackages(root);
  linkOurselves(root);
}

function installPackages(root) {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".slipway-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8").trim() === wanted) return;

  console.error("set-up: npm ci (package-lock.json is new here)");
  const result = spawnSync("npm", ["ci", "--include=dev", "--include=optional", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (result.status !== 0) {
    console.error(`set-up: npm ci failed (${result.error?.message ?? `exit ${result.status ?? result.signal}`})`);
    process.exit(1);
  }
  writeFileSync(stamp, `${wanted}\n`);
}

/** npx looks here first; without the link it makes a package of the clone, slowly, for each call. */
function linkOurselves(root) {
  const link = join(root, "node_modules", ".bin", "slipway");
  if (lstatSync(link, { throwIfNoEntry: false }) === undefined) symlinkSync("../../bin/slipway.cjs", link);
}

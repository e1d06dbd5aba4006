/**
 * Set-up, second part: the Debian packages of a profile. On Debian, as root, missing ones are installed; anywhere else
 * they are named, with their purpose, and set-up goes on: tests that need them say what they could not prove.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const { profiles, purposes } = JSON.parse(readFileSync(new URL("../debian-packages.json", import.meta.url), "utf8"));
const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };

export function profileNames() {
  return Object.keys(profiles);
}

/** `{ package name → why }` for this machine's architecture. */
export function packagesOf(profile) {
  const here = ARCHITECTURES[process.arch] ?? process.arch;
  const wanted = new Map();
  for (const purpose of profiles[profile]) {
    for (const entry of purposes[purpose].packages) {
      const { name, architectures = [here] } = typeof entry === "string" ? { name: entry } : entry;
      if (architectures.includes(here)) wanted.set(name, purposes[purpose].why);
    }
  }
  return wanted;
}

export function ensureDebianPackages(profile) {
  const wanted = packagesOf(profile);
  if (wanted.size === 0) return;
  const missing = missingOf([...wanted.keys()]);
  if (missing.length === 0) return;
  if (isDebian() && process.getuid() === 0) {
    console.error(`set-up: apt-get install ${missing.join(" ")}`);
    const failure = aptGet("update", "-qq") ?? aptGet("install", "-y", "-qq", "--no-install-recommends", ...missing);
    if (failure === undefined) return;
    console.error(`set-up: ${failure}; going on with what is there`);
  }
  explain(missingOf(missing), wanted);
}

/** Debian's package names that dpkg does not know as installed; all of them where there is no dpkg. */
function missingOf(names) {
  const query = spawnSync("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n", ...names], {
    encoding: "utf8",
  });
  const installed = new Set();
  for (const line of (query.stdout ?? "").split("\n")) {
    const [name, status] = line.split(" ");
    if (status === "installed") installed.add(name);
  }
  return names.filter((name) => !installed.has(name));
}

function isDebian() {
  try {
    return /^ID="?debian"?$/m.test(readFileSync("/etc/os-release", "utf8"));
  } catch {
    return false;
  }
}

/** Undefined when it worked, else what failed. Its hundreds of lines are shown only then. */
function aptGet(...argv) {
  const result = spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=600", "-o", "Dpkg::Use-Pty=0", ...argv], {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" },
  });
  if (result.status === 0) return undefined;
  console.error(`${result.stdout ?? ""}${result.stderr ?? ""}`.split("\n").slice(-40).join("\n").trimEnd());
  return `apt-get ${argv[0]} failed (${result.error?.message ?? `exit ${result.status ?? result.signal}`})`;
}

function explain(missing, wanted) {
  if (missing.length === 0) return;
  console.error("set-up: these Debian packages are missing, and what needs them will say so:");
  for (const name of missing) console.error(`  ${name.padEnd(24)} ${wanted.get(name)}`);
  console.error(
    isDebian()
      ? `hint: as root, run: apt-get install --no-install-recommends ${missing.join(" ")}`
      : "hint: install what your distribution calls them, or use a Debian 12 machine or container as root",
  );
}

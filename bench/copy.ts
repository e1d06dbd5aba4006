/**
 * A registry's image of 1 GiB in 8 gzip layers → OCI layout: `slipway copy` beside `skopeo copy`, compressed blobs kept,
 * both synced, from Debian's `docker-registry` on loopback; interleaved, median of three. The built program (npm run
 * build) is measured. Run: bench/copy.sh [--runs 3]
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { startDockerRegistry } from "../test/support/docker-registry.ts";
import { median, peakBytes } from "./support.ts";

const MIB = 1024 * 1024;
const LAYERS = 8;
const LAYER_MIB = 128;
const POLL_MS = 50;
const program = join(dirname(import.meta.dirname), "dist", "main.js");
const { values } = parseArgs({ options: { runs: { type: "string", default: "3" } } });

interface Run {
  readonly seconds: number;
  readonly residentMB: number;
}

const folder = mkdtempSync(join(tmpdir(), "slipway-bench-"));
mkdirSync(join(folder, "registry"));
const registry = await startDockerRegistry(join(folder, "registry"));
const image = `${registry.host}/bench/image:1`;
try {
  makeImage(join(folder, "source"));
  execFileSync("skopeo", [
    "copy",
    "-q",
    "--dest-tls-verify=false",
    `oci:${join(folder, "source")}:1`,
    `docker://${image}`,
  ]);
  rmSync(join(folder, "source"), { recursive: true });
  const runs: Record<"ours" | "skopeo", Run[]> = { ours: [], skopeo: [] };
  for (let round = 0; round < Number(values.runs); round++) {
    runs.ours.push(await measured(process.execPath, [program, "--progress=none", "copy", "--tls-verify=false"]));
    runs.skopeo.push(await measured("skopeo", ["copy", "-q", "--src-tls-verify=false"]));
  }
  for (const [name, list] of Object.entries(runs)) {
    const seconds = list.map((run) => run.seconds.toFixed(2)).join(", ");
    console.log(`${name}: ${seconds} s, resident at most ${Math.max(...list.map((run) => run.residentMB))} MB`);
  }
  const ratio = median(runs.ours.map((run) => run.seconds)) / median(runs.skopeo.map((run) => run.seconds));
  console.log(`wall, ours over skopeo: ${ratio.toFixed(2)}, aim ≤ 1.0: ${ratio <= 1 ? "met" : "MISSED"}`);
} finally {
  await registry.kill();
  rmSync(folder, { recursive: true, force: true });
}

/** Until the copy is on the disk. */
async function measured(command: string, args: readonly string[]): Promise<Run> {
  const layout = join(folder, "layout");
  rmSync(layout, { recursive: true, force: true });
  spawnSync("sync");
  const started = performance.now();
  const child = spawn(command, [...args, `docker://${image}`, `oci:${layout}:1`], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, SLIPWAY_STORE: join(folder, "store") },
  });
  let residentBytes = 0;
  const poll = setInterval(() => {
    residentBytes = Math.max(residentBytes, peakBytes(child.pid));
  }, POLL_MS);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearInterval(poll);
  if (code !== 0) throw new Error(`${command} exited with ${code}`);
  // Nothing is left to do where a copy synced its files itself.
  execFileSync("sync", ["-f", layout]);
  return { seconds: (performance.now() - started) / 1000, residentMB: Math.round(residentBytes / 1e6) };
}

/** Random bytes in stored gzip blocks: as large on the wire as on the disk, and quick to make. */
function makeImage(layout: string): void {
  const blobs = join(layout, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (bytes: Buffer, mediaType: string): { mediaType: string; digest: string; size: number } => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(blobs, hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const diffIds: string[] = [];
  const layers = Array.from({ length: LAYERS }, (_, index) => {
    const file = join(folder, `file-${index}`);
    writeFileSync(file, randomBytes(LAYER_MIB * MIB));
    const tar = execFileSync("tar", ["-C", folder, "-cf", "-", `file-${index}`], { maxBuffer: 2 * LAYER_MIB * MIB });
    rmSync(file);
    diffIds.push(`sha256:${createHash("sha256").update(tar).digest("hex")}`);
    return put(gzipSync(tar, { level: 0 }), "application/vnd.oci.image.layer.v1.tar+gzip");
  });
  const platform = { architecture: "amd64", os: "linux" };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const config = put(
    json({ ...platform, rootfs: { type: "layers", diff_ids: diffIds } }),
    "application/vnd.oci.image.config.v1+json",
  );
  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = put(json({ schemaVersion: 2, mediaType: manifestType, config, layers }), manifestType);
  const named = { ...manifest, annotations: { "org.opencontainers.image.ref.name": "1" } };
  writeFileSync(join(layout, "index.json"), json({ schemaVersion: 2, manifests: [named] }));
  writeFileSync(join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
}

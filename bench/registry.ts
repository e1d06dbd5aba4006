/**
 * One blob of 512 MiB pushed to and pulled from our registry and Debian's `docker-registry`, by curl, which is neither;
 * interleaved, median of three. The built program (npm run build) is measured. Run: bench/registry.sh
 */
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startDockerRegistry } from "../test/support/docker-registry.ts";
import { serveRegistry } from "../test/support/registry.ts";
import { median, peakBytes } from "./support.ts";

const MIB = 1024 * 1024;
const BLOB_MIB = 512;
const ROUNDS = 3;

interface Times {
  readonly ours: number[];
  readonly peer: number[];
}

const program = join(dirname(import.meta.dirname), "dist", "main.js");
const folder = mkdtempSync(join(tmpdir(), "slipway-bench-"));
const blob = join(folder, "blob");
const digest = makeBlob();
for (const name of ["ours", "peer"]) mkdirSync(join(folder, name));
await using peer = await startDockerRegistry(join(folder, "peer"));
await using ours = await serveRegistry(join(folder, "ours"), ["--no-log"], 0, program);
try {
  const times = { up: { ours: [], peer: [] }, down: { ours: [], peer: [] } } as Record<"up" | "down", Times>;
  for (let round = 0; round < ROUNDS; round++) {
    times.up.ours.push(upload(ours.host, `bench/r${round}`));
    times.up.peer.push(upload(peer.host, `bench/r${round}`));
  }
  for (let round = 0; round < ROUNDS; round++) {
    times.down.ours.push(download(ours.host));
    times.down.peer.push(download(peer.host));
  }
  for (const [name, seconds] of Object.entries(times)) {
    const [oursSeconds, peerSeconds] = [median(seconds.ours), median(seconds.peer)];
    const rate = (time: number): string => `${Math.round(BLOB_MIB / time)} MiB/s`;
    console.log(
      `${name}load: ours ${rate(oursSeconds)}, docker-registry ${rate(peerSeconds)}, throughput ${(peerSeconds / oursSeconds).toFixed(2)} ×`,
    );
  }
  console.log(`resident at most ${Math.round(peakBytes(ours.process.pid) / 1e6)} MB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function makeBlob(): string {
  const hash = createHash("sha256");
  const fd = openSync(blob, "w");
  for (let index = 0; index < BLOB_MIB; index++) {
    const chunk = randomBytes(MIB);
    hash.update(chunk);
    writeSync(fd, chunk);
  }
  return `sha256:${hash.digest("hex")}`;
}

/** Seconds of the PUT. */
function upload(host: string, name: string): number {
  const started = curl("-X", "POST", "-D", "-", `http://${host}/v2/${name}/blobs/uploads/`);
  const location = /^location: *(\S+)/im.exec(started)?.[1] ?? "";
  const url = new URL(location, `http://${host}`);
  url.searchParams.set("digest", digest);
  return Number(curl("-T", blob, "-H", "Content-Type: application/octet-stream", "-w", "%{time_total}", url.href));
}

function download(host: string): number {
  return Number(curl("-w", "%{time_total}", `http://${host}/v2/bench/r0/blobs/${digest}`));
}

function curl(...argv: string[]): string {
  return execFileSync("curl", ["-sf", "-o", "/dev/null", ...argv], { encoding: "utf8" });
}

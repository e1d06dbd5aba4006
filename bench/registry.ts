/**
 * One blob of 512 MiB pushed to and pulled from our registry and Debian's `docker-registry`, by curl, which is neither;
 * interleaved, median of three. The built program (npm run build) is measured. Run: bench/registry.sh
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const MIB = 1024 * 1024;
const BLOB_MIB = 512;
const ROUNDS = 3;
const OURS = 5791;
const PEER = 5792;

const folder = mkdtempSync(join(tmpdir(), "slipway-bench-"));
const blob = join(folder, "blob");
const digest = makeBlob();
const servers = [startOurs(), startPeer()];
try {
  for (const port of [OURS, PEER]) await reachable(port);
  const times: Record<"up" | "down", Record<number, number[]>> = { up: {}, down: {} };
  for (let round = 0; round < ROUNDS; round++)
    for (const port of [OURS, PEER]) (times.up[port] ??= []).push(upload(port, `bench/r${round}`));
  for (let round = 0; round < ROUNDS; round++)
    for (const port of [OURS, PEER]) (times.down[port] ??= []).push(download(port));
  for (const [name, { [OURS]: ours = [], [PEER]: peer = [] }] of Object.entries(times)) {
    const rate = (seconds: number[]): string => `${Math.round(BLOB_MIB / median(seconds))} MiB/s`;
    console.log(
      `${name}load: ours ${rate(ours)}, docker-registry ${rate(peer)}, throughput ${(median(peer) / median(ours)).toFixed(2)} ×`,
    );
  }
  const [ours] = servers;
  const status = readFileSync(`/proc/${ours?.pid}/status`, "utf8");
  console.log(`resident at most ${Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1000)} MB`);
} finally {
  for (const server of servers) server.kill("SIGKILL");
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

function startOurs(): ChildProcess {
  const program = join(dirname(import.meta.dirname), "dist", "main.js");
  const argv = ["registry", "serve", "--no-log", "--root", join(folder, "ours"), "--listen", `127.0.0.1:${OURS}`];
  return spawn(process.execPath, [program, ...argv], { stdio: ["ignore", "ignore", "inherit"] });
}

function startPeer(): ChildProcess {
  const config = join(folder, "peer.yml");
  mkdirSync(join(folder, "peer"));
  const lines = [
    "version: 0.1",
    `storage: {filesystem: {rootdirectory: ${join(folder, "peer")}}}`,
    `http: {addr: "127.0.0.1:${PEER}"}`,
    "log: {level: error, accesslog: {disabled: true}}",
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  return spawn("docker-registry", ["serve", config], { stdio: "ignore" });
}

async function reachable(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if (
      await fetch(`http://127.0.0.1:${port}/v2/`).then(
        () => true,
        () => false,
      )
    )
      return;
    await sleep(100);
  }
  throw new Error(`nothing listens on port ${port}`);
}

/** Seconds of the PUT. */
function upload(port: number, name: string): number {
  const started = curl("-X", "POST", "-D", "-", `http://127.0.0.1:${port}/v2/${name}/blobs/uploads/`);
  const location = /^location: *(\S+)/im.exec(started)?.[1] ?? "";
  const url = new URL(location, `http://127.0.0.1:${port}`);
  url.searchParams.set("digest", digest);
  return Number(curl("-T", blob, "-H", "Content-Type: application/octet-stream", "-w", "%{time_total}", url.href));
}

function download(port: number): number {
  return Number(curl("-w", "%{time_total}", `http://127.0.0.1:${port}/v2/bench/r0/blobs/${digest}`));
}

function curl(...argv: string[]): string {
  return execFileSync("curl", ["-sf", "-o", "/dev/null", ...argv], { encoding: "utf8" });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

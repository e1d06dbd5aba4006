/**
 * Image (OCI layout) → bootable qcow2: `slipway disk create` beside bench/peer-disk.sh on the same image.
 *
 *   bench/disk.sh oci:DIR[:TAG] [--runs 3] [--compress none|zlib|zstd] [--work DIR] [--program FILE] [--no-peer] [--assert]
 *
 * Ours is the built program with an empty store and cache and syncs what it writes; the peer (as root) does not. Page
 * cache warm for both, runs interleaved, everything on one file system. Prints medians, the ratio, resident memory, and
 * the temporary space (cache and scratch, without outputs) over the decompressed image. --assert fails beyond the aims.
 * The stages are those of one more run, with --json, which also computes the digest of the disk; the peer computes none.
 */
import { spawn, spawnSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { allocatedBytes } from "../test/support/allocated.ts";
import { median, peakBytes } from "./support.ts";
import { createGunzip, createZstdDecompress } from "node:zlib";

const AIMS = { wallRatio: 0.15, residentBytes: 300e6, temporaryRatio: 1.2 };
const POLL_MS = 50;
const TAG = "org.opencontainers.image.ref.name";

interface OurRun {
  readonly seconds: number;
  readonly residentBytes: number;
  readonly temporaryBytes: number;
}

type Stages = Readonly<Record<string, number>>;

interface PeerRun {
  readonly seconds: number;
  readonly temporaryBytes: number;
  readonly stages: Stages;
}

const repository = dirname(import.meta.dirname);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "3" },
    compress: { type: "string", default: "none" },
    work: { type: "string", default: tmpdir() },
    program: { type: "string", default: join(repository, "dist", "main.js") },
    "no-peer": { type: "boolean", default: false },
    assert: { type: "boolean", default: false },
  },
});
const name = positionals[0] ?? fail("want an image: bench/disk.sh oci:DIR[:TAG]");
const [, directory = "", tag] =
  /^oci:(.+?)(?::([^:/]+))?$/.exec(name) ?? fail(`cannot bench ${name}: want oci:DIR[:TAG]`);
const { program } = values;
if (!existsSync(program)) fail(`${program} is missing: run \`npm run build\` first`);

await main();

async function main(): Promise<void> {
  const layers = layersOf(directory, tag);
  const imageBytes = await decompressedBytes(layers);
  console.log(
    `image ${name}: ${layers.length} layers, ${mebibytes(imageBytes)} decompressed; compress ${values.compress}`,
  );
  const withPeer = !values["no-peer"] && peerIsPossible();
  const ours: OurRun[] = [];
  const peers: PeerRun[] = [];
  for (let round = 1; round <= Number(values.runs); round++) {
    ours.push((await runOurs([])).run);
    console.log(`  ours ${round}: ${ours.at(-1)?.seconds.toFixed(2)} s`);
    if (!withPeer) continue;
    peers.push(runPeer(tag ?? onlyTag(directory)));
    console.log(`  peer ${round}: ${peers.at(-1)?.seconds.toFixed(2)} s`);
  }
  const { stages } = await runOurs(["--json"]);
  report(imageBytes, ours, stages, peers);
}

async function runOurs(options: readonly string[]): Promise<{ run: OurRun; stages: Stages }> {
  const work = mkdtempSync(join(values.work, "bench-ours-"));
  const [store, scratch, out] = ["store", "scratch", "out"].map((part) => join(work, part)) as [string, string, string];
  for (const path of [store, scratch, out]) mkdirSync(path);
  spawnSync("sync");
  const args = [
    program,
    ...options,
    "--progress=none",
    `--store=${store}`,
    "disk",
    "create",
    name,
    "--type=qcow2",
    `--compress=${values.compress}`,
    `--output=${out}`,
  ];
  let temporaryBytes = 0;
  let residentBytes = 0;
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    env: { ...process.env, TMPDIR: scratch, XDG_DATA_HOME: join(work, "data"), XDG_CACHE_HOME: scratch },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const measure = (): void => {
    temporaryBytes = Math.max(temporaryBytes, allocatedBytes(store) + allocatedBytes(scratch));
    residentBytes = Math.max(residentBytes, peakBytes(child.pid));
  };
  const poll = setInterval(measure, POLL_MS);
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const seconds = (performance.now() - started) / 1000;
  clearInterval(poll);
  measure();
  if (code !== 0) fail(`slipway disk create exited with ${code}`);
  const { stageSeconds } = options.includes("--json")
    ? (JSON.parse(text) as { stageSeconds: Stages })
    : { stageSeconds: {} };
  rmSync(work, { recursive: true });
  return { run: { seconds, residentBytes, temporaryBytes }, stages: stageSeconds };
}

function runPeer(peerTag: string): PeerRun {
  const work = mkdtempSync(join(values.work, "bench-peer-"));
  spawnSync("sync");
  const script = join(import.meta.dirname, "peer-disk.sh");
  const result = spawnSync("bash", [script, `${directory}:${peerTag}`, join(work, "disk.qcow2"), values.compress], {
    env: { ...process.env, TMPDIR: work },
    encoding: "utf8",
  });
  rmSync(work, { recursive: true, force: true });
  if (result.status !== 0) fail(`peer-disk.sh exited with ${result.status}:\n${result.stderr}`);
  const lines = result.stdout
    .trim()
    .split("\n")
    .map((line) => line.split("\t") as [string, string]);
  const {
    total = NaN,
    "temp-bytes": temporaryBytes = NaN,
    ...stages
  } = Object.fromEntries(lines.map(([step, value]) => [step, Number(value)]));
  return { seconds: total, temporaryBytes, stages };
}

function report(imageBytes: number, ours: readonly OurRun[], stages: Stages, peers: readonly PeerRun[]): void {
  const ourSeconds = median(ours.map(({ seconds }) => seconds));
  const residentBytes = Math.max(...ours.map((run) => run.residentBytes));
  const temporaryBytes = Math.max(...ours.map((run) => run.temporaryBytes));
  const verdicts: [what: string, value: number, aim: number, text: string][] = [
    ["resident memory", residentBytes, AIMS.residentBytes, `${(residentBytes / 1e6).toFixed(0)} MB`],
    [
      "temporary space over image",
      temporaryBytes / imageBytes,
      AIMS.temporaryRatio,
      `${(temporaryBytes / imageBytes).toFixed(2)} (${mebibytes(temporaryBytes)})`,
    ],
  ];
  console.log(
    `\nours, median of ${ours.length}: ${ourSeconds.toFixed(2)} s   with --json: ${stagesText([{ stages }])}`,
  );
  if (peers.length > 0) {
    const peerSeconds = median(peers.map(({ seconds }) => seconds));
    const peerTemporary = Math.max(...peers.map((run) => run.temporaryBytes));
    console.log(`peer, median of ${peers.length}: ${peerSeconds.toFixed(2)} s   ${stagesText(peers)}`);
    console.log(`peer, temporary space over image: ${(peerTemporary / imageBytes).toFixed(2)}`);
    const ratio = ourSeconds / peerSeconds;
    verdicts.unshift(["wall, ours over peer", ratio, AIMS.wallRatio, ratio.toFixed(3)]);
  }
  for (const [what, value, aim, text] of verdicts) {
    console.log(
      `${what}: ${text}, aim ≤ ${aim === AIMS.residentBytes ? `${aim / 1e6} MB` : aim}: ${value <= aim ? "met" : "MISSED"}`,
    );
  }
  if (values.assert && (peers.length === 0 || verdicts.some(([, value, aim]) => value > aim))) process.exitCode = 1;
}

/** Median of each stage, longest first. */
function stagesText(runs: readonly { readonly stages: Stages }[]): string {
  const names = new Set(runs.flatMap(({ stages }) => Object.keys(stages)));
  return [...names]
    .map((stage) => [stage, median(runs.map(({ stages }) => stages[stage] ?? 0))] as const)
    .sort(([, a], [, b]) => b - a)
    .map(([stage, seconds]) => `${stage} ${seconds.toFixed(2)}`)
    .join(", ");
}

function peerIsPossible(): boolean {
  const tools = ["umoci", "ostree", "mke2fs", "mkfs.vfat", "mcopy", "grub-mkimage", "sfdisk", "qemu-img"];
  const missing = tools.filter((tool) => spawnSync("which", [tool]).status !== 0);
  if (process.getuid?.() !== 0) missing.push("root");
  if (missing.length > 0) console.log(`no peer, so no ratio: missing ${missing.join(", ")}`);
  return missing.length === 0;
}

interface Descriptor {
  readonly digest: string;
  readonly mediaType: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: string };
}

function manifestsOf(layout: string): readonly Descriptor[] {
  return (JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as { manifests: Descriptor[] }).manifests;
}

function onlyTag(layout: string): string {
  return manifestsOf(layout)[0]?.annotations?.[TAG] ?? "latest";
}

/** Paths and media types of an image's layers; of an index its first image. */
function layersOf(layout: string, wanted: string | undefined): readonly { path: string; mediaType: string }[] {
  const blob = (digest: string): string => join(layout, "blobs", ...digest.split(":"));
  let manifests = manifestsOf(layout).filter((entry) => wanted === undefined || entry.annotations?.[TAG] === wanted);
  for (;;) {
    const descriptor = manifests[0] ?? fail(`no image "${wanted ?? ""}" in ${layout}`);
    const document = JSON.parse(readFileSync(blob(descriptor.digest), "utf8")) as {
      manifests?: Descriptor[];
      layers?: Descriptor[];
    };
    if (document.layers !== undefined)
      return document.layers.map(({ digest, mediaType }) => ({ path: blob(digest), mediaType }));
    manifests = document.manifests ?? [];
  }
}

/** Size of all layers as tar streams; reading them warms the page cache as well. */
async function decompressedBytes(layers: readonly { path: string; mediaType: string }[]): Promise<number> {
  let total = 0;
  for (const { path, mediaType } of layers) {
    const file = createReadStream(path);
    const stream = mediaType.endsWith("gzip")
      ? file.pipe(createGunzip())
      : mediaType.endsWith("zstd")
        ? file.pipe(createZstdDecompress())
        : file;
    for await (const chunk of stream as AsyncIterable<Buffer>) total += chunk.length;
  }
  return total;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function fail(message: string): never {
  console.error(`bench: ${message}`);
  process.exit(1);
}

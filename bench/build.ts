/**
 * Containerfile → image: `slipway build` beside Debian's `buildah bud` on overlay, on the same bases and contexts,
 * interleaved, medians: COPY and LABEL on 500 MB (and on 4 MB, which must take as long), a RUN of apt-get install from
 * a mirror on loopback, and an unchanged rebuild beyond the start of Node. The built program (npm run build) is measured.
 * As root. Run: bench/build.sh [--runs 5]
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { bareDebianBase, bigBase, busyboxBase } from "../test/support/build-bases.ts";

const program = join(dirname(import.meta.dirname), "dist", "main.js");
const { values } = parseArgs({ options: { runs: { type: "string", default: "5" } } });
/** Real packages that a minbase has all dependencies of. */
const PACKAGES = ["less", "tree", "make"];
const FILES = 20;
const FILE_BYTES = 10_000;

type Builder = "ours" | "buildah";
type Seconds = Record<Builder, number[]>;

const folder = mkdtempSync(join(tmpdir(), "slipway-bench-"));
const server = await startMirror();
try {
  const bases = { big: await bigBase(), busybox: await busyboxBase(), debian: await bareDebianBase() };
  for (const [name, layout] of Object.entries(bases)) await load(name, layout);
  const start = await timed([process.execPath, "-e", "0"]);
  console.log(`Node's start: ${start.toFixed(3)} s`);
  await measureCopies(start);
  await measureApt();
} finally {
  server.close();
  // A build of buildah's that failed leaves it mounted.
  spawnSync("umount", ["--quiet", "--recursive", join(folder, "graph", "overlay")]);
  rmSync(folder, { recursive: true, force: true });
}

async function measureCopies(startSeconds: number): Promise<void> {
  const context = writeContext("copy");
  const containerfile = (base: string): string => `FROM localhost/${base}:1\nCOPY files /files\nLABEL a=b\n`;
  const big = await interleaved(() => changed(context, containerfile("big")));
  report("COPY and LABEL on 500 MB", big, 1);
  const small = await interleaved(() => changed(context, containerfile("busybox")), ["ours"]);
  report("COPY and LABEL on 4 MB", small);
  console.log(`  500 MB over 4 MB, ours: ${(median(big.ours) / median(small.ours)).toFixed(2)}`);
  writeFileSync(join(context, "Containerfile"), containerfile("big"));
  await build("ours", context);
  await build("buildah", context);
  const rebuilt = await interleaved(() => context);
  report("unchanged rebuild", rebuilt);
  const beyond = median(rebuilt.ours) - startSeconds;
  console.log(`  beyond Node's start: ${beyond.toFixed(3)} s, aim ≤ 0.3: ${beyond <= 0.3 ? "met" : "MISSED"}`);
}

async function measureApt(): Promise<void> {
  const context = writeContext("apt");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const containerfile = [
    "FROM localhost/debian:1",
    `RUN echo "deb [trusted=yes] ${url} ./" > /etc/apt/sources.list && rm -rf /etc/apt/sources.list.d && apt-get update && apt-get install -y ${PACKAGES.join(" ")}`,
  ].join("\n");
  report("apt-install RUN", await interleaved(() => changed(context, containerfile)), 1);
}

/** A context that differs from all before it, so that no cache has the step. */
function changed(context: string, containerfile: string): string {
  const round = String(performance.now());
  writeFileSync(join(context, "files", "0"), round.padEnd(FILE_BYTES, "."));
  writeFileSync(join(context, "Containerfile"), containerfile.replace("RUN ", `RUN : ${round}; `));
  return context;
}

function writeContext(name: string): string {
  const context = join(folder, name);
  mkdirSync(join(context, "files"), { recursive: true });
  for (let index = 0; index < FILES; index++)
    writeFileSync(join(context, "files", String(index)), String(index).padEnd(FILE_BYTES, "."));
  return context;
}

async function interleaved(
  prepare: () => string,
  builders: readonly Builder[] = ["ours", "buildah"],
): Promise<Seconds> {
  const seconds: Seconds = { ours: [], buildah: [] };
  // The first round only warms caches: ours reads the base into its cache once.
  for (let round = 0; round <= Number(values.runs); round++) {
    for (const builder of builders) {
      const taken = await build(builder, prepare());
      if (round > 0) seconds[builder].push(taken);
    }
  }
  return seconds;
}

function build(builder: Builder, context: string): Promise<number> {
  // Raising limits takes a capability that containers lack.
  const limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096"];
  const bud = ["bud", "--layers", "--isolation=chroot", "--pull-never", ...limits, "-t", "localhost/bench:1", context];
  return timed(
    builder === "ours"
      ? [process.execPath, program, "--store", join(folder, "store"), "build", "-t", "localhost/bench:1", context]
      : ["buildah", ...buildahPlaces(), ...bud],
  );
}

function buildahPlaces(): string[] {
  return [`--root=${join(folder, "graph")}`, `--runroot=${join(folder, "run")}`, "--storage-driver=overlay"];
}

async function load(name: string, layout: string): Promise<void> {
  await timed([
    process.execPath,
    program,
    "--store",
    join(folder, "store"),
    "copy",
    `oci:${layout}:1`,
    `localhost/${name}:1`,
  ]);
  const storage = `containers-storage:[overlay@${join(folder, "graph")}+${join(folder, "run")}]`;
  await timed(["skopeo", "--insecure-policy", "copy", `oci:${layout}:1`, `${storage}localhost/${name}:1`]);
}

/** Seconds until it has ended; its output is shown when it fails. */
async function timed([command = "", ...args]: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} exited with ${code}:\n${output}`);
  return (performance.now() - started) / 1000;
}

function report(name: string, seconds: Seconds, aim?: number): void {
  console.log(name);
  for (const builder of ["ours", "buildah"] as const) {
    const list = seconds[builder];
    if (list.length > 0)
      console.log(
        `  ${builder}: ${list.map((each) => each.toFixed(2)).join(", ")} s, median ${median(list).toFixed(2)}`,
      );
  }
  if (aim === undefined) return;
  const ratio = median(seconds.ours) / median(seconds.buildah);
  console.log(`  ours over buildah: ${ratio.toFixed(2)}, aim ≤ ${aim}: ${ratio <= aim ? "met" : "MISSED"}`);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** A flat repository of the packages as this machine's apt finds them. */
async function startMirror(): Promise<Server> {
  const debs = join(folder, "debs");
  mkdirSync(debs);
  execFileSync("apt-get", ["download", "-qq", "-o", "APT::Sandbox::User=root", ...PACKAGES], { cwd: debs });
  const stanzas = readdirSync(debs).map((deb) => {
    // Versions have characters that mean something in addresses.
    const name = `${deb.split("_", 1)[0]}.deb`;
    renameSync(join(debs, deb), join(debs, name));
    const control = execFileSync("dpkg-deb", ["--field", join(debs, name)], { encoding: "utf8" });
    const bytes = readFileSync(join(debs, name));
    const digest = createHash("sha256").update(bytes).digest("hex");
    return `${control}Filename: ./${name}\nSize: ${bytes.length}\nSHA256: ${digest}\n`;
  });
  writeFileSync(join(debs, "Packages"), stanzas.join("\n"));
  const made = createServer((request, response) => {
    const known = readdirSync(debs).find((each) => each === basename(request.url ?? ""));
    if (known === undefined) response.writeHead(404).end();
    else response.end(readFileSync(join(debs, known)));
  });
  await new Promise<void>((resolve) => void made.listen(0, "127.0.0.1", resolve));
  return made;
}

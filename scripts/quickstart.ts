/**
 * The main job end to end, as a user would type it: a Debian image, a disk from it, a boot, what booted.
 * Every step is a `slipway` command and is printed before it runs. Files go to out/quickstart.
 */
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const output = join(root, "out", "quickstart");
const image = "quickstart/debian:trixie";

/** What to ask the machine, and under which word to print the answer. */
const QUESTIONS: Readonly<Record<string, string>> = {
  system: ". /etc/os-release; echo $PRETTY_NAME",
  kernel: "uname -r",
  deployment: "ostree admin status | sed -n '1s/^\\* //p'",
  image:
    "ostree show --repo=/sysroot/ostree/repo --print-metadata-key=ostree.manifest-digest " +
    "$(ostree admin status | sed -n '1s/.* \\([0-9a-f]*\\)\\..*/\\1/p') | tr -d \"'\"",
  "failed units": "systemctl --failed --no-legend --plain | grep . || echo none",
};

interface VmReport {
  readonly bootSeconds: number;
  readonly exec: readonly { readonly command: string; readonly stdout: string }[];
}

const startedMs = performance.now();
await slipway("base", "debian", "--suite", "trixie", "-t", image);
await slipway("disk", "create", image, "--type", "qcow2", "-o", output, "--karg", "console=ttyS0");
const questions = Object.values(QUESTIONS).flatMap((command) => ["--exec", command]);
const report = JSON.parse(
  await slipway("vm", "run", join(output, "disk.qcow2"), "--wait", "--json", ...questions),
) as VmReport;

console.log(`\nBooted in ${Math.round(report.bootSeconds)} s, and stopped again:`);
for (const [index, word] of Object.keys(QUESTIONS).entries()) {
  console.log(`  ${word.padEnd(13)} ${report.exec[index]?.stdout.trim().replaceAll("\n", "\n                ")}`);
}
console.log(
  `\nThe disk is ${join(output, "disk.qcow2")}; boot it again with: npx slipway vm run out/quickstart/disk.qcow2`,
);
console.log(`Everything took ${Math.round((performance.now() - startedMs) / 1000)} s.`);

/** Runs a command with its progress shown; returns standard output. */
async function slipway(...args: string[]): Promise<string> {
  console.log(`\n$ slipway ${args.filter((arg, index) => arg !== "--exec" && args[index - 1] !== "--exec").join(" ")}`);
  const json = args.includes("--json");
  const child = spawn(process.execPath, [join(root, "bin", "slipway.cjs"), ...args], {
    stdio: ["ignore", json ? "pipe" : "inherit", "inherit"],
  });
  let stdout = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (exitCode !== 0) process.exit(exitCode ?? 1);
  return stdout;
}

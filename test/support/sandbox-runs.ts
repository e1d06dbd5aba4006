/** Sandboxes for tests: a busybox root, and runs of run-sandbox.ts as root, as an ordinary user, as one without more ids. */
import { closeSync, cpSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { start, waitFor } from "../../src/base/process/index.ts";
import type { SandboxOrder, SandboxOutcome } from "./run-sandbox.ts";
import { asRoot, findTool, type Requirement, run, type TempFolder, tempDir } from "./tools.ts";

const RUNNER = join(import.meta.dirname, "run-sandbox.ts");
/** An id that nobody has; its passwd(5) and subuid(5) lines exist in the mount namespace of its runs only. */
const USER = 64_321;
const BUSYBOX = "/bin/busybox";
const APPLETS =
  "sh id env cat ls ps kill sleep touch chown stat pwd mount hostname find setsid grep readlink true ifconfig";

/** A descriptor that every run inherits: this machine's root directory. */
export const LEAKED = 40;

export type Who = "root" | "user" | "user with one id";

export const sandboxes: readonly (string | Requirement)[] = [
  asRoot,
  "nsenter",
  "newuidmap",
  { name: "busybox-static", isThere: () => findTool("busybox", ["/bin"]) !== undefined },
];

export interface Sandbox extends TempFolder {
  readonly root: string;
  /** Makes a folder beside the root that everybody may write to. */
  readonly openFolder: (name: string) => Promise<string>;
  /** Everything of the root with its times, as it is on disk. */
  readonly listing: () => Promise<string>;
  /** Runs a shell script in the root, unless `argv` is given. */
  readonly run: (script: string, order?: Partial<SandboxOrder>) => Promise<SandboxOutcome>;
  /** The same one after the other. */
  readonly runAll: (orders: readonly Partial<SandboxOrder>[]) => Promise<SandboxOutcome[]>;
  /** Starts the same and kills Slipway (kill -9) when the command has written something. */
  readonly kill: (script: string, order?: Partial<SandboxOrder>) => Promise<void>;
}

/** A folder with a root file system in it that belongs to `who`. */
export async function sandbox(who: Who): Promise<Sandbox> {
  const folder = tempDir();
  await chmod(folder.path, 0o755);
  const root = folder.join("ro ot");
  mkdirSync(join(root, "bin"), { recursive: true });
  cpSync(BUSYBOX, join(root, "bin/busybox"));
  for (const applet of APPLETS.split(" ")) symlinkSync("busybox", join(root, "bin", applet));
  mkdirSync(join(root, "etc"));
  writeFileSync(folder.join("passwd"), `root:x:0:0::/:/bin/sh\ntester:x:${USER}:${USER}::/:/bin/sh\n`);
  writeFileSync(folder.join("subuid"), who === "user" ? "tester:200000:65536\n" : "");
  const prefix = who === "root" ? [] : asUser(folder);
  const order = (more: Partial<SandboxOrder> = {}): SandboxOrder => ({ root, argv: [], ...more });
  const runAll = async (orders: readonly Partial<SandboxOrder>[]): Promise<SandboxOutcome[]> => {
    await own();
    const lines = (await runner(prefix, orders.map(order), false)).split("\n");
    return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as SandboxOutcome);
  };
  const own = async (): Promise<void> => {
    if (who !== "root") await run("chown", ["-hR", `${USER}:${USER}`, root]);
  };
  return {
    ...folder,
    root,
    openFolder: async (name) => {
      const path = folder.join(name);
      mkdirSync(path);
      await chmod(path, 0o777);
      return path;
    },
    listing: async () => {
      await own();
      const { stdout } = await run("find", [root, "-printf", "%p %y %m %U %G %T@ %l\n"]);
      return stdout.split("\n").toSorted().join("\n");
    },
    runAll,
    run: async (script, more) => {
      const [outcome] = await runAll([{ argv: ["/bin/sh", "-c", script], ...more }]);
      if (outcome === undefined) throw new Error("the sandbox ended without an outcome");
      return outcome;
    },
    kill: async (script, more) => {
      await own();
      await runner(prefix, [order({ argv: ["/bin/sh", "-c", script], ...more })], true);
    },
  };
}

/** Files of /etc for this run alone, and the user's ids. */
function asUser(folder: TempFolder): string[] {
  const script = `cd "$1"; shift
mount --bind passwd /etc/passwd && mount --bind subuid /etc/subuid && mount --bind subuid /etc/subgid &&
exec setpriv --reuid ${USER} --regid ${USER} --clear-groups "$@"`;
  return ["unshare", "--mount", "sh", "-c", script, "sh", folder.path];
}

async function runner(prefix: readonly string[], orders: SandboxOrder[], kill: boolean): Promise<string> {
  const argv = [...prefix, process.execPath, RUNNER];
  // A directory that Slipway's parent left open; low descriptors Node closes itself.
  const leaked = openSync("/", "r");
  const between = Array.from({ length: LEAKED - 3 }, () => "ignore" as const);
  const stdio = ["pipe" as const, "pipe" as const, "inherit" as const, ...between, leaked];
  const child = start(argv[0] ?? "", argv.slice(1), { cwd: "/", stdio });
  closeSync(leaked);
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (kill && output.includes("started\n")) child.kill("SIGKILL");
  });
  child.stdin?.end(JSON.stringify(orders));
  const ended = waitFor(child, "run-sandbox");
  if (kill) await ended.catch(() => undefined);
  else await ended;
  return output;
}

/** Processes whose command line has this text. */
export function processesWith(text: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(text);
    } catch {
      return false;
    }
  });
}

// Runs a command in a sandbox: new mount, pid, ipc and uts (and network) namespaces in a build's user namespace. Whatever
// ends it, its processes and mounts end with it; mount points that had to be made are taken away.
import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";
import type { Duplex } from "node:stream";
import { type ChildProcess, run as runProgram, start } from "../../base/process/index.ts";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import { makeTempDir } from "../../base/io/index.ts";
import { BuildError } from "../error.ts";
import { type HostPrograms, setupArguments, setupEnvironment, unshareArguments } from "./command-line.ts";
import { withoutSyncs } from "./dpkg.ts";
import { closedStdio, inheritedDescriptors } from "./inherited.ts";
import { cureForNamespaces, type Namespace } from "./namespace.ts";
import { OutputPipes } from "./output-pipes.ts";
import { findProgram } from "./programs.ts";
import type { SandboxRun } from "./request.ts";
import { withoutManager } from "./systemctl.ts";
import { CLEAN_SCRIPT, SETUP_SCRIPT } from "./setup-script.ts";

/** What the set-up says is short; a hostile root must not make it long. */
const MAX_REPORT_BYTES = 1024 * 1024;

/** Resolves with the exit code, 128 + n for signal n. Throws BuildError SANDBOX when the command could not be started. */
export async function runInSandbox(namespace: Namespace, request: SandboxRun): Promise<{ readonly exitCode: number }> {
  request.signal.throwIfAborted();
  const oneId = namespace.ids === "one";
  if (oneId && (request.uid !== 0 || request.gid !== 0)) {
    throw new BuildError("SANDBOX", `cannot run a step as user ${request.uid}:${request.gid}: there is only one id`, {
      hint: namespace.cure ?? "",
    });
  }
  const options = await withoutSyncs(await withoutManager(request));
  await using own = await makeTempDir("slipway-run-");
  const args = setupArguments(options, own.path, await hostPrograms(namespace), oneId);
  // In a variable, so that the list of processes does not show all of it.
  const setup = ["sh", "-c", 'eval "$SLIPWAY_SETUP"', "slipway", ...args];
  const { program, args: joined } = namespace.join("setpriv", [...unshareArguments(options), ...setup]);
  const nothing = openSync("/dev/null", "r");
  const input = options.stdin === undefined ? nothing : "pipe";
  const child = startSandbox(program, joined, {
    cwd: "/",
    env: { ...namespace.env, ...setupEnvironment(options), SLIPWAY_SETUP: SETUP_SCRIPT },
    stdio: closedStdio([input, nothing, "pipe", "pipe"], inheritedDescriptors(), nothing),
    // A session of its own: no terminal for what runs in there, and Ctrl-C reaches it through us.
    detached: true,
  });
  closeSync(nothing);
  const report = new Report(child, own.path, options);
  const exitCode = await ended(child, options.signal).finally(() => report.ended());
  await clean(namespace, options.root, report.made);
  options.signal.throwIfAborted();
  if (report.isReady) {
    if (exitCode !== 0 && namespace.cure !== undefined) options.onNote?.(namespace.cure);
    return { exitCode };
  }
  const problem = report.problem();
  const isDenied = /permission denied|not permitted/i.test(problem);
  const hint = namespace.cure ?? (isDenied ? await cureForNamespaces() : undefined);
  throw new BuildError("SANDBOX", problem, hint === undefined ? {} : { hint });
}

/** Throws BuildError LIMIT for more arguments and variables than Linux takes. */
function startSandbox(...order: Parameters<typeof start>): ChildProcess {
  try {
    return start(...order);
  } catch (error) {
    if (systemErrorCode(error) !== "E2BIG") throw error;
    throw new BuildError("LIMIT", "cannot run a step with so much in its command and environment", {
      cause: error,
      hint: "Write it to a file with COPY <<EOF",
    });
  }
}

async function hostPrograms({ env }: Namespace): Promise<HostPrograms> {
  const find = async (name: string): Promise<string> => (await findProgram([name], env)) ?? name;
  return { env: await find("env"), setpriv: await find("setpriv"), unshare: await find("unshare") };
}

/** What the set-up script says on descriptor 3, until the command runs; and where the command's output goes. */
class Report {
  isReady = false;
  /** TIME-BEFORE TIME-AFTER PATH of each mount point, last made first. */
  readonly made: string[] = [];
  readonly #options: SandboxRun;
  readonly #child: ChildProcess;
  readonly #own: string;
  #output: OutputPipes | undefined;
  #pending = "";
  #bytes = 0;
  #failure = "";
  #complaint = "";

  constructor(child: ChildProcess, own: string, options: SandboxRun) {
    this.#child = child;
    this.#own = own;
    this.#options = options;
    const control = child.stdio[3] as Duplex;
    // What ends early does not read what it is told; its exit tells the story.
    for (const stream of [control, child.stdin]) stream?.on("error", () => undefined);
    child.stdin?.end(options.stdin);
    child.stderr?.on("data", (chunk: Buffer) => (this.#complaint = (this.#complaint + chunk.toString()).slice(-4096)));
    control.on("data", (chunk: Buffer) => {
      if ((this.#bytes += chunk.length) <= MAX_REPORT_BYTES) this.#read(chunk.toString("latin1"), control);
      else control.destroy();
    });
  }

  #read(text: string, control: Duplex): void {
    const records = (this.#pending + text).split("\0");
    this.#pending = records.pop() ?? "";
    for (const record of records) {
      const bytes = Buffer.from(record, "latin1");
      const text = bytes.toString("utf8");
      const [, kind, rest = ""] = /^(\S+) ?([^]*)$/.exec(text) ?? [];
      if (kind === "note") this.#options.onNote?.(rest);
      else if (kind === "fail") this.#failure = rest;
      else if (kind === "made") {
        // No argument of a program can name what is not UTF-8: it stays.
        if (Buffer.from(text).equals(bytes)) this.made.unshift(...(/^(\S+) (\S+) ([^]*)$/.exec(rest)?.slice(1) ?? []));
      } else if (kind === "output") this.#openOutput(control);
      else if (kind === "ready") {
        this.isReady = true;
        this.#output?.release();
        control.write("go\n");
        this.#options.onReady?.();
      }
    }
  }

  /** Through the mount namespace of the process that was started: nobody else has it. */
  #openOutput(control: Duplex): void {
    try {
      this.#output = new OutputPipes(`/proc/${this.#child.pid}/root${this.#own}`, this.#options.onOutput);
    } catch (error) {
      this.#failure = `cannot read what the command will write: ${messageOf(error)}`;
      this.#child.kill("SIGKILL");
      return;
    }
    control.write("go\n");
    for (const mount of this.#options.mounts) if (mount.type === "file") control.write(mount.content);
  }

  /** After the child has ended: resolves when all that it wrote has been read. */
  async ended(): Promise<void> {
    this.#output?.release();
    await this.#output?.ended;
  }

  problem(): string {
    const said = [this.#failure, this.#complaint.trim()].filter((text) => text !== "").join(": ");
    return `cannot set up the sandbox: ${said === "" ? "it ended without a word" : said}`;
  }
}

function ended(child: ChildProcess, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const kill = (): void => {
      // Without an answer no command starts.
      (child.stdio[3] as Duplex | undefined)?.destroy();
      child.kill("SIGKILL");
    };
    signal.addEventListener("abort", kill, { once: true });
    if (signal.aborted) kill();
    child.once("error", (error) => {
      signal.removeEventListener("abort", kill);
      reject(new BuildError("SANDBOX", `cannot start the sandbox: ${error.message}`, { cause: error }));
    });
    child.once("close", (code, name) => {
      signal.removeEventListener("abort", kill);
      resolve(code ?? 128 + (name === null ? 0 : constants.signals[name]));
    });
  });
}

async function clean(namespace: Namespace, root: string, made: readonly string[]): Promise<void> {
  if (made.length === 0) return;
  const { program, args } = namespace.enter("sh", ["-c", CLEAN_SCRIPT, "slipway", root, ...made]);
  await runProgram(program, args, { env: namespace.env });
}

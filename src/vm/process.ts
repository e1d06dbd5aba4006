// A QEMU process: started, watched, asked over QMP, and never left behind.
import { type ChildProcess, run, start, waitFor } from "../base/process/index.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { qemuArguments, type QemuSpec } from "./arguments.ts";
import { Console } from "./console.ts";
import { VmError } from "./errors.ts";
import { QmpClient } from "./qmp.ts";

const QMP_CONNECT_MS = 20_000;

export class QemuProcess implements AsyncDisposable {
  readonly console: Console = new Console();
  readonly #child: ChildProcess;
  readonly #exit: Promise<number | Error>;
  #qmp: QmpClient | undefined;
  #stderr = "";
  #exited = false;

  constructor(child: ChildProcess, command: string, installHint: string) {
    this.#child = child;
    child.stdout?.on("data", (chunk: Uint8Array) => this.console.receive(chunk));
    child.stderr?.on("data", (chunk: Uint8Array) => {
      this.#stderr = (this.#stderr + Buffer.from(chunk).toString()).slice(-4000);
    });
    child.stdin?.on("error", () => undefined);
    const killOnExit = (): void => void child.kill("SIGKILL");
    process.once("exit", killOnExit);
    this.#exit = waitFor(child, command, { installHint })
      .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#exited = true;
        process.removeListener("exit", killOnExit);
      });
  }

  get hasExited(): boolean {
    return this.#exited;
  }

  /** Types on the serial console. */
  type(bytes: Uint8Array): void {
    this.#child.stdin?.write(bytes);
  }

  /** QEMU's run state ("running", "internal-error", …); "gone" when it does not answer. */
  async status(): Promise<string> {
    try {
      const answer = (await this.#qmp?.execute("query-status")) as { readonly status?: string } | undefined;
      return answer?.status ?? "gone";
    } catch {
      return "gone";
    }
  }

  async connect(socket: string): Promise<void> {
    for (let waitedMs = 0; waitedMs < QMP_CONNECT_MS && !this.#exited; waitedMs += 100) {
      try {
        this.#qmp = await QmpClient.connect(socket);
        return;
      } catch {
        await sleep(100);
      }
    }
    const exit = this.#exited ? await this.#exit : undefined;
    if (exit instanceof Error && "code" in exit && exit.code === "NOT_INSTALLED") throw exit;
    throw new VmError("STOPPED", `QEMU did not start: ${this.#stderr.trim() || "it said nothing"}`);
  }

  /** Presses the power button. */
  async powerDown(): Promise<void> {
    await this.#qmp?.execute("system_powerdown");
  }

  /** Presses the reset button. */
  async reset(): Promise<void> {
    await this.#qmp?.execute("system_reset");
  }

  /** True when the process ended within the time. */
  async waitForExit(timeoutMs: number): Promise<boolean> {
    const timer = new AbortController();
    await Promise.race([this.#exit, sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
    return this.#exited;
  }

  /** What QEMU complained about. */
  get complaint(): string {
    return this.#stderr.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#qmp?.[Symbol.dispose]();
    if (this.#exited) return;
    this.#child.kill("SIGTERM");
    if (!(await this.waitForExit(5000))) this.#child.kill("SIGKILL");
    await this.#exit;
  }
}

/** Starts QEMU and waits until it answers. Throws NOT_INSTALLED, STOPPED. */
export async function startQemu(spec: QemuSpec): Promise<QemuProcess> {
  const { command, debianPackage } = spec.machine;
  const args = qemuArguments(spec);
  // Should this process be killed outright, the kernel ends QEMU too.
  const argv = (await hasSetpriv()) ? ["setpriv", "--pdeathsig", "KILL", command, ...args] : [command, ...args];
  const qemu = new QemuProcess(
    start(argv[0] as string, argv.slice(1), { stdio: ["pipe", "pipe", "pipe"] }),
    command,
    `Install ${debianPackage}`,
  );
  try {
    await qemu.connect(spec.qmpSocket);
    return qemu;
  } catch (error) {
    await qemu[Symbol.asyncDispose]();
    throw error;
  }
}

let setpriv: Promise<boolean> | undefined;

function hasSetpriv(): Promise<boolean> {
  setpriv ??= run("setpriv", ["--pdeathsig", "KILL", "true"]).then(
    () => true,
    () => false,
  );
  return setpriv;
}

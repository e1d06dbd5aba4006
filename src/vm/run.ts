// A virtual machine from a disk: overlay, firmware variables, key and sockets in a folder of its own that goes away with it.
import { copyFile, open, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { makeTempDir, type TempDir } from "../base/io/index.ts";
import { run, type RunResult } from "../base/process/index.ts";
import { chooseAccelerator } from "./accelerator.ts";
import type { QemuSpec } from "./arguments.ts";
import type { Console } from "./console.ts";
import { VmError } from "./errors.ts";
import { type Firmware, type Machine, machineFor } from "./machine.ts";
import { type QemuProcess, startQemu } from "./process.ts";
import { makeSshKey, sshCredentials, sshDisconnect, sshRun, type SshTarget } from "./ssh.ts";

export interface VmOptions {
  readonly disk: string;
  /** OCI or kernel name; this machine's unless given. */
  readonly architecture?: string;
  readonly accelerator?: "auto" | "kvm" | "tcg";
  readonly memoryBytes?: number;
  readonly cpus?: number;
  /** The guest sees a disk of this size. */
  readonly diskSizeBytes?: number;
  /** Write to the disk itself. */
  readonly persist?: boolean;
  readonly sshPort?: number;
  readonly secureBoot?: boolean;
  readonly onNotice?: (message: string) => void;
}

export interface BootResult {
  /** systemd's word: "running" or "degraded". */
  readonly state: string;
  readonly seconds: number;
}

const DEFAULT_MEMORY_BYTES = 2 * 1024 ** 3;
const SHUTDOWN_MS = 120_000;
/** Firmware takes 10 to 30 s of it. */
const SILENT_MS = 120_000;

export class Vm implements AsyncDisposable {
  readonly accelerator: "kvm" | "tcg";
  readonly sshPort: number;
  readonly #qemu: QemuProcess;
  readonly #target: SshTarget;
  readonly #directory: TempDir;
  readonly #startedMs: number;

  constructor(qemu: QemuProcess, target: SshTarget, directory: TempDir, accelerator: "kvm" | "tcg") {
    this.#qemu = qemu;
    this.#target = target;
    this.#directory = directory;
    this.#startedMs = performance.now();
    this.accelerator = accelerator;
    this.sshPort = target.port;
  }

  get console(): Console {
    return this.#qemu.console;
  }

  get hasExited(): boolean {
    return this.#qemu.hasExited;
  }

  type(bytes: Uint8Array): void {
    this.#qemu.type(bytes);
  }

  /** Until ssh answers and systemd has started everything. Throws NOT_BOOTED or STOPPED with the console's tail. */
  async waitForBoot(options: { readonly timeoutMs: number; readonly signal?: AbortSignal }): Promise<BootResult> {
    const { signal } = options;
    const deadlineMs = performance.now() + options.timeoutMs;
    while (performance.now() < deadlineMs) {
      signal?.throwIfAborted();
      if (this.#qemu.hasExited) throw this.#failure("STOPPED", "the machine stopped before it was up");
      const leftMs = Math.max(1000, deadlineMs - performance.now());
      const state = await this.#systemState(leftMs, signal);
      if (state !== undefined) return { state, seconds: (performance.now() - this.#startedMs) / 1000 };
      await sleep(1000, undefined, signal === undefined ? {} : { signal });
    }
    throw this.#failure("NOT_BOOTED", `the machine was not up after ${Math.round(options.timeoutMs / 1000)} s`);
  }

  async #systemState(timeoutMs: number, signal: AbortSignal | undefined): Promise<string | undefined> {
    const options = { timeoutMs, ...(signal === undefined ? {} : { signal }) };
    const result = await sshRun(this.#target, "systemctl is-system-running --wait", options).catch(() => undefined);
    const state = result?.stdout.trim();
    return state === "running" || state === "degraded" ? state : undefined;
  }

  /** A command line for the guest's shell; its exit code is part of the result. Throws STOPPED when ssh fails. */
  async exec(
    command: string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<RunResult> {
    const result = await sshRun(this.#target, command, { timeoutMs: 300_000, ...options });
    if (result.exitCode === 255)
      throw this.#failure("STOPPED", `cannot reach the machine by ssh: ${result.stderr.trim()}`);
    return result;
  }

  /** Restarts the guest and waits until it is up again. */
  async reboot(options: { readonly timeoutMs: number }): Promise<BootResult> {
    const before = (await this.exec("cat /proc/sys/kernel/random/boot_id")).stdout;
    await sshRun(this.#target, "systemctl reboot", { timeoutMs: 30_000 }).catch(() => undefined);
    await sshDisconnect(this.#target);
    using _watch = this.#watchReset();
    const deadlineMs = performance.now() + options.timeoutMs;
    for (;;) {
      const result = await this.waitForBoot({ timeoutMs: Math.max(1000, deadlineMs - performance.now()) });
      if ((await this.exec("cat /proc/sys/kernel/random/boot_id")).stdout !== before) return result;
      await sleep(2000);
    }
  }

  /**
   * Now and then an emulated machine does not come back from a reset of its kernel's: the firmware spins and says
   * nothing. The reset button helps, pressed once. What has said anything after the kernel's last word is left alone.
   */
  #watchReset(): Disposable {
    const timer = setInterval(() => {
      if (
        this.console.silentMs < SILENT_MS ||
        !/reboot: (Restarting system|machine restart)$/.test(this.console.tail(1))
      )
        return;
      clearInterval(timer);
      this.#qemu.reset().catch(() => undefined);
    }, 1000);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  /** The power button; QEMU is ended when the guest does not follow. True when it went down by itself. */
  async shutdown(): Promise<boolean> {
    if (this.#qemu.hasExited) return true;
    await this.#qemu.powerDown().catch(() => undefined);
    return await this.#qemu.waitForExit(SHUTDOWN_MS);
  }

  /** True when the machine ended within the time. */
  waitForExit(timeoutMs: number): Promise<boolean> {
    return this.#qemu.waitForExit(timeoutMs);
  }

  #failure(code: "NOT_BOOTED" | "STOPPED", message: string): VmError {
    const complaint = this.#qemu.complaint === "" ? "" : `\nQEMU: ${this.#qemu.complaint}`;
    return new VmError(code, `${message}${complaint}\nthe console's last lines:\n${this.console.tail()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await sshDisconnect(this.#target);
    await this.#qemu[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** Starts a machine. Throws VmError, ProcessError NOT_INSTALLED, system errors for the disk. */
export async function startVm(options: VmOptions): Promise<Vm> {
  const machine = machineFor(options.architecture ?? process.arch);
  const directory = await makeTempDir("slipway-vm-");
  try {
    const key = await makeSshKey(directory.path);
    const sshPort = options.sshPort ?? (await freePort());
    const base: Omit<QemuSpec, "accelerator" | "cpu" | "cpus"> = {
      machine,
      memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES,
      firmware: await firmwareFor(machine, options.secureBoot === true, directory.path),
      secureBoot: options.secureBoot === true,
      disk: await diskFor(options, directory.path),
      sshPort,
      qmpSocket: join(directory.path, "qmp"),
      credentials: sshCredentials(key),
    };
    const { accelerator, cpu, cpus } = await processorFor(base, options, directory.path);
    const qemu = await startQemu({ ...base, accelerator, cpu, cpus });
    return new Vm(qemu, { key, port: sshPort, controlPath: join(directory.path, "ssh") }, directory, accelerator);
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    throw error;
  }
}

type Processor = Pick<QemuSpec, "accelerator" | "cpu" | "cpus">;

async function processorFor(
  base: Omit<QemuSpec, keyof Processor>,
  options: VmOptions,
  directory: string,
): Promise<Processor> {
  const kvm: Processor = { accelerator: "kvm", cpu: "host", cpus: options.cpus ?? 2 };
  if (options.accelerator === "kvm") return kvm;
  if (options.accelerator !== "tcg") {
    const choice = await chooseAccelerator({ ...base, ...kvm }, directory);
    if (choice.accelerator === "kvm") return kvm;
    options.onNotice?.(`emulating the processor, which is slow: ${choice.reason ?? "KVM does not work"}`);
  }
  const isOld = (await qemuMajor(base.machine)) < 8;
  // QEMU 7.2 crashes guests with several processors under TCG.
  return { accelerator: "tcg", cpu: isOld ? base.machine.oldTcgCpu : "max", cpus: options.cpus ?? (isOld ? 1 : 2) };
}

async function qemuMajor(machine: Machine): Promise<number> {
  const { stdout } = await run(machine.command, ["--version"], { installHint: `Install ${machine.debianPackage}` });
  return Number(/version (\d+)/.exec(stdout)?.[1] ?? 0);
}

async function firmwareFor(machine: Machine, secureBoot: boolean, directory: string): Promise<Firmware> {
  const candidates = secureBoot ? machine.secureBootFirmware : machine.firmware;
  for (const { code, variables } of candidates) {
    if (!(await isFile(code)) || !(await isFile(variables))) continue;
    const copy = join(directory, "firmware-variables");
    await copyFile(variables, copy);
    return { code, variables: copy };
  }
  throw new VmError(
    "NO_FIRMWARE",
    `cannot find UEFI firmware for ${machine.oci}: looked for ${candidates.map((each) => each.code).join(", ")}`,
    {
      hint: `Install ${machine.firmwarePackage}`,
    },
  );
}

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function diskFor(options: VmOptions, directory: string): Promise<NonNullable<QemuSpec["disk"]>> {
  const disk = resolve(options.disk);
  const format = await diskFormat(disk);
  const size = options.diskSizeBytes === undefined ? [] : [String(options.diskSizeBytes)];
  if (options.persist === true) {
    if (size.length > 0)
      await run("qemu-img", ["resize", "-q", "-f", format, disk, ...size], { installHint: "Install qemu-utils" });
    return { path: disk, format, isThrowAway: false };
  }
  const overlay = join(directory, "overlay.qcow2");
  await run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", disk, "-F", format, overlay, ...size], {
    installHint: "Install qemu-utils",
  });
  return { path: overlay, format: "qcow2", isThrowAway: true };
}

/** By content, not by name: the first bytes of a qcow2 are "QFI" and 0xfb. */
async function diskFormat(path: string): Promise<"raw" | "qcow2"> {
  await using handle = await open(path, "r");
  const magic = Buffer.alloc(4);
  await handle.read(magic, 0, 4, 0);
  return magic.readUInt32BE() === 0x514649fb ? "qcow2" : "raw";
}

function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolvePort(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

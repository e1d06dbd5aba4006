// Whether KVM really boots. A /dev/kvm that opens may still fail as soon as firmware runs (nested virtualisation), so a
// machine without a disk is started and must reach the firmware's own output.
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { QemuSpec } from "./arguments.ts";
import { VmError } from "./errors.ts";
import { startQemu } from "./process.ts";

const PROBE_MS = 15_000;

export interface AcceleratorChoice {
  readonly accelerator: "kvm" | "tcg";
  /** Why it is not KVM. */
  readonly reason?: string;
}

/** `spec` is the machine to come; it is probed with KVM and without its disk. */
export async function chooseAccelerator(spec: QemuSpec, directory: string): Promise<AcceleratorChoice> {
  const native = { x64: "amd64", arm64: "arm64" }[process.arch as string];
  if (native !== spec.machine.oci)
    return {
      accelerator: "tcg",
      reason: `this machine is ${native ?? process.arch}, the guest is ${spec.machine.oci}`,
    };
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
  } catch {
    return { accelerator: "tcg", reason: "/dev/kvm is missing or not accessible" };
  }
  const { disk: _disk, sshPort: _sshPort, ...rest } = spec;
  const probe: QemuSpec = {
    ...rest,
    accelerator: "kvm",
    cpu: "host",
    cpus: 1,
    qmpSocket: join(directory, "probe.qmp"),
    credentials: {},
  };
  if (await boots(probe)) return { accelerator: "kvm" };
  return { accelerator: "tcg", reason: "KVM is there but its guests do not run" };
}

/** Until the firmware speaks; QEMU may also refuse to start (Secure Boot needs an SMM that nested KVM lacks). */
async function boots(probe: QemuSpec): Promise<boolean> {
  try {
    await using qemu = await startQemu(probe);
    for (let waitedMs = 0; waitedMs < PROBE_MS; waitedMs += 250) {
      if (/BdsDxe|UEFI|Shell>/.test(qemu.console.text)) return true;
      if (qemu.hasExited || (await qemu.status()) !== "running") return false;
      await sleep(250);
    }
    return false;
  } catch (error) {
    if (error instanceof VmError) return false;
    throw error;
  }
}

// The command line of QEMU as a pure function of what the machine shall be.
import type { Firmware, Machine } from "./machine.ts";

export interface QemuSpec {
  readonly machine: Machine;
  readonly accelerator: "kvm" | "tcg";
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly firmware: Firmware;
  readonly secureBoot: boolean;
  /** The disk, or the overlay over it, with its format; none to see how far the firmware comes. */
  readonly disk?: { readonly path: string; readonly format: "raw" | "qcow2"; readonly isThrowAway: boolean };
  /** Port on 127.0.0.1 that reaches the guest's port 22. */
  readonly sshPort?: number;
  readonly qmpSocket: string;
  /** systemd credentials (systemd.system-credentials(7)), handed over as SMBIOS OEM strings. */
  readonly credentials: Readonly<Record<string, string>>;
}

/** The serial console is QEMU's standard input and output. */
export function qemuArguments(spec: QemuSpec): string[] {
  const args = [
    ["-machine", `${spec.machine.machineType},accel=${spec.accelerator}${spec.secureBoot ? ",smm=on" : ""}`],
    ["-cpu", spec.cpu, "-smp", String(spec.cpus), "-m", `${Math.floor(spec.memoryBytes / 1024 ** 2)}M`],
    ["-nodefaults", "-display", "none", "-serial", "stdio"],
    ["-qmp", `unix:${option(spec.qmpSocket)},server=on,wait=off`],
    ["-drive", `if=pflash,format=raw,readonly=on,file=${option(spec.firmware.code)}`],
    ["-drive", `if=pflash,format=raw,file=${option(spec.firmware.variables)}`],
    ["-device", "virtio-rng-pci"],
  ].flat();
  if (spec.secureBoot) args.push("-global", "driver=cfi.pflash01,property=secure,value=on");
  if (spec.disk !== undefined) {
    // An overlay that is thrown away needs no flushes.
    const cache = spec.disk.isThrowAway ? "unsafe" : "writeback";
    args.push(
      "-drive",
      `if=none,id=disk,format=${spec.disk.format},cache=${cache},discard=unmap,file=${option(spec.disk.path)}`,
    );
    args.push("-device", "virtio-blk-pci,drive=disk,bootindex=0");
  }
  if (spec.sshPort !== undefined) {
    args.push("-netdev", `user,id=net,hostfwd=tcp:127.0.0.1:${spec.sshPort}-:22`);
    args.push("-device", "virtio-net-pci,netdev=net,romfile=");
  }
  for (const [name, value] of Object.entries(spec.credentials)) {
    args.push("-smbios", `type=11,value=io.systemd.credential.binary:${name}=${Buffer.from(value).toString("base64")}`);
  }
  return args;
}

/** QEMU doubles commas inside option values. */
function option(text: string): string {
  return text.replaceAll(",", ",,");
}

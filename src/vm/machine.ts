// What QEMU needs to know of each architecture: facts only.
import { VmError } from "./errors.ts";

export interface Firmware {
  /** Read-only code image. */
  readonly code: string;
  /** Template of the variable store; every machine gets a copy. */
  readonly variables: string;
}

export interface Machine {
  readonly oci: "amd64" | "arm64";
  readonly command: string;
  /** Package on Debian, for the hint when it is missing. */
  readonly debianPackage: string;
  readonly machineType: string;
  /**
   * Model for TCG of QEMU before 8: `max` corrupts flags there, and an interrupted cmpxchg16b ends in a double fault. One
   * of AMD's, because Linux changes page tables at every system call on Intel's of that age (Meltdown), and each change
   * empties the emulated TLB: a boot takes half as long again.
   */
  readonly oldTcgCpu: string;
  readonly firmware: readonly Firmware[];
  /** With Microsoft's keys enrolled. */
  readonly secureBootFirmware: readonly Firmware[];
  readonly firmwarePackage: string;
}

const MACHINES: readonly Machine[] = [
  {
    oci: "amd64",
    command: "qemu-system-x86_64",
    debianPackage: "qemu-system-x86",
    machineType: "q35",
    oldTcgCpu: "Opteron_G3,+ssse3,+sse4.1,+sse4.2,+popcnt,-cx16",
    firmware: [
      { code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.fd" },
      { code: "/usr/share/edk2/ovmf/OVMF_CODE.fd", variables: "/usr/share/edk2/ovmf/OVMF_VARS.fd" },
      { code: "/usr/share/edk2/x64/OVMF_CODE.4m.fd", variables: "/usr/share/edk2/x64/OVMF_VARS.4m.fd" },
    ],
    secureBootFirmware: [
      { code: "/usr/share/OVMF/OVMF_CODE_4M.ms.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.ms.fd" },
      { code: "/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd", variables: "/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd" },
    ],
    firmwarePackage: "ovmf",
  },
  {
    oci: "arm64",
    command: "qemu-system-aarch64",
    debianPackage: "qemu-system-arm",
    machineType: "virt",
    oldTcgCpu: "cortex-a72",
    firmware: [
      { code: "/usr/share/AAVMF/AAVMF_CODE.fd", variables: "/usr/share/AAVMF/AAVMF_VARS.fd" },
      {
        code: "/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw",
        variables: "/usr/share/edk2/aarch64/vars-template-pflash.raw",
      },
    ],
    secureBootFirmware: [],
    firmwarePackage: "qemu-efi-aarch64",
  },
];

/** By OCI or kernel name. Throws UNKNOWN_ARCHITECTURE. */
export function machineFor(architecture: string): Machine {
  const name = { x64: "amd64", x86_64: "amd64", aarch64: "arm64" }[architecture] ?? architecture;
  const machine = MACHINES.find((each) => each.oci === name);
  if (machine !== undefined) return machine;
  throw new VmError(
    "UNKNOWN_ARCHITECTURE",
    `cannot run a machine of architecture "${architecture}": known are amd64 and arm64`,
  );
}

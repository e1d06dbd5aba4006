// One machine, four names: OCI (GOARCH), the kernel/Rust name that kargs.d matches on, GRUB's EFI suffix, and the
// discoverable-partitions root type (https://uapi-group.org/specifications/specs/discoverable_partitions_specification/).

export interface Architecture {
  readonly oci: "amd64" | "arm64";
  readonly kernel: "x86_64" | "aarch64";
  /** As in BOOTX64.EFI, grubx64.efi. */
  readonly efi: "x64" | "aa64";
  readonly rootPartitionType: string;
}

const ARCHITECTURES: readonly Architecture[] = [
  { oci: "amd64", kernel: "x86_64", efi: "x64", rootPartitionType: "4f68bce3-e8cd-4db1-96e7-fbcaf984b709" },
  { oci: "arm64", kernel: "aarch64", efi: "aa64", rootPartitionType: "b921b045-1df0-41c3-af44-4c6f280d3fae" },
];

/** By OCI or kernel name; undefined for machines we cannot make disks for. */
export function findArchitecture(name: string): Architecture | undefined {
  return ARCHITECTURES.find((each) => each.oci === name || each.kernel === name);
}

export function knownArchitectures(): string[] {
  return ARCHITECTURES.map((each) => each.oci);
}

// Boot Loader Specification type 1 entries (https://uapi-group.org/specifications/specs/boot_loader_specification/)
// as libostree writes them: one `key value` a line, keys in libostree's order.

export interface BootEntry {
  readonly title: string;
  /** libostree's counter, not the version of the operating system: the highest is the default. */
  readonly version: string;
  readonly options: string;
  readonly linux: string;
  readonly initrd?: string;
  readonly devicetree?: string;
}

const ORDER = ["title", "version", "options", "devicetree", "linux", "initrd"] as const;

export function formatBootEntry(entry: BootEntry): string {
  return ORDER.filter((key) => entry[key] !== undefined)
    .map((key) => `${key} ${entry[key]}\n`)
    .join("");
}

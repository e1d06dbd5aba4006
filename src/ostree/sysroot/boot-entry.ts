// The boot entry of a deployment (docs/formats/ostree.md): what names it, and the `ostree=` that selects it.
import { type BootEntry, formatBootEntry } from "../../formats/bls/index.ts";
import type { BootFiles } from "./boot-files.ts";

export interface BootEntryInput {
  readonly osRelease: ReadonlyMap<string, string>;
  /** Place in the list of deployments; 0 is the default. */
  readonly index: number;
  /** Number of deployments in the list. */
  readonly count: number;
  /** Without `ostree=`. */
  readonly kargs: readonly string[];
  readonly stateroot: string;
  /** 0 or 1. */
  readonly bootVersion: number;
  /** Index among the deployments with the same boot checksum. */
  readonly bootSerial: number;
  readonly files: BootFiles;
}

/** Since libostree 2024.5: N counts down, so that the default has the highest name. */
export function bootEntryName(input: Pick<BootEntryInput, "index" | "count">): string {
  return `ostree-${input.count - input.index}.conf`;
}

export function bootEntryText(input: BootEntryInput): string {
  const name = input.osRelease.get("PRETTY_NAME") ?? input.osRelease.get("ID") ?? "";
  // bootprefix=true: the paths work from a root file system and, through boot/boot -> ., from a boot partition.
  const folder = `/boot/ostree/${input.stateroot}-${input.files.bootChecksum}`;
  const link = `/ostree/boot.${input.bootVersion}/${input.stateroot}/${input.files.bootChecksum}/${input.bootSerial}`;
  const early = input.files.initramfs === undefined ? [`init=${link}/usr/lib/ostree/ostree-prepare-root`] : [];
  const entry: BootEntry = {
    title: `${name} (ostree:${input.index})`,
    version: String(input.count - input.index),
    options: [...input.kargs, `ostree=${link}`, ...early].join(" "),
    linux: `${folder}/${input.files.vmlinuz}`,
    ...(input.files.initramfs === undefined ? {} : { initrd: `${folder}/${input.files.initramfs}` }),
    ...(input.files.deviceTree === undefined ? {} : { devicetree: `${folder}/${input.files.deviceTree}` }),
  };
  return formatBootEntry(entry);
}

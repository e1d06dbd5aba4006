// Which kernel an image has, for images that are more or less bootable: the file itself, then what the image says of it,
// then its rpm database, then its history, where chunked images have a line for each package.
import { byteStringToUtf8 } from "../base/bytes/index.ts";
import { type DirectoryInode, lookupDirectory } from "../tree/index.ts";
import { MODULES } from "./kernel.ts";
import { rpmKernelVersion } from "./rpm-database.ts";

export type KernelSource = "modules" | "label" | "rpmdb" | "history";

export interface KernelVersion {
  readonly version: string;
  readonly source: KernelSource;
}

export interface KernelVersionInput {
  /** The merged tree. */
  readonly root: DirectoryInode;
  readonly labels: Readonly<Record<string, string>>;
  /** `created_by` and `comment` of each step. */
  readonly history: readonly string[];
}

/** Undefined when nothing tells. Throws what reading the rpm database throws. */
export async function kernelVersion(input: KernelVersionInput): Promise<KernelVersion | undefined> {
  const { root } = input;
  const fromModules = modulesVersion(root);
  if (fromModules !== undefined) return { version: fromModules, source: "modules" };
  const label = input.labels["ostree.linux"];
  if (label !== undefined && label !== "") return { version: label, source: "label" };
  const fromRpm = await rpmKernelVersion(root);
  if (fromRpm !== undefined) return { version: fromRpm, source: "rpmdb" };
  const fromHistory = historyVersion(input.history);
  return fromHistory === undefined ? undefined : { version: fromHistory, source: "history" };
}

function modulesVersion(root: DirectoryInode): string | undefined {
  const versions = [...(lookupDirectory(root, MODULES)?.entries ?? [])].flatMap(([name, inode]) =>
    inode.type === "directory" && inode.entries.get("vmlinuz")?.type === "file" ? [byteStringToUtf8(name) ?? name] : [],
  );
  return versions.toSorted().at(-1);
}

const PACKAGE = /(?:^|[\s,'"/])kernel(?:-[a-z0-9]+)*-core-(\d[^\s,'"]*-[^\s,'"]*?)(?:\.rpm)?(?=[\s,'"]|$)/;

function historyVersion(history: readonly string[]): string | undefined {
  for (const line of history.toReversed()) {
    const found = PACKAGE.exec(line)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

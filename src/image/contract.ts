// What makes an image bootable (bootc "image contract"): the label, one kernel with its initramfs, prepare-root.conf,
// an os-release, an architecture we can boot. Checked before a byte is written.
import type { DirectoryInode } from "../tree/index.ts";
import { type Architecture, findArchitecture, knownArchitectures } from "./architecture.ts";
import { ImageContractError } from "./errors.ts";
import { findKernel, type Kernel } from "./kernel.ts";
import { readKargsD } from "./kargs.ts";
import { parseOsRelease } from "./os-release.ts";
import { type PrepareRoot, readPrepareRoot } from "./prepare-root.ts";
import { readText } from "./read-text.ts";

export interface BootableImage {
  readonly architecture: Architecture;
  readonly kernel: Kernel;
  readonly prepareRoot: PrepareRoot;
  readonly osRelease: ReadonlyMap<string, string>;
  /** From the image's kargs.d. */
  readonly kargs: readonly string[];
}

const BOOTABLE_LABELS = ["containers.bootc", "ostree.bootable"];

/** Throws NOT_BOOTABLE or WRONG_ARCHITECTURE: what the config alone can tell, before any layer is read. */
export function checkConfig(
  config: { readonly architecture: string; readonly labels: Readonly<Record<string, string>> },
  name: string,
): Architecture {
  if (!BOOTABLE_LABELS.some((label) => label in config.labels)) {
    throw new ImageContractError(
      "NOT_BOOTABLE",
      `cannot use ${name} as a system: it has neither the label ${BOOTABLE_LABELS.join(" nor ")}`,
      {
        hint: "Derive it from a bootable base, or add LABEL containers.bootc=1 when it has a kernel, an initramfs and ostree",
      },
    );
  }
  const architecture = findArchitecture(config.architecture);
  if (architecture === undefined) {
    throw new ImageContractError(
      "WRONG_ARCHITECTURE",
      `cannot make a disk for architecture "${config.architecture}" of ${name}: known are ${knownArchitectures().join(", ")}`,
    );
  }
  return architecture;
}

/** Reads the facts a deployment needs from the merged tree. Throws ImageContractError. */
export async function inspectBootable(root: DirectoryInode, architecture: Architecture): Promise<BootableImage> {
  const kernel = findKernel(root);
  const prepareRoot = await readPrepareRoot(root);
  if (prepareRoot === undefined) {
    throw new ImageContractError(
      "NO_PREPARE_ROOT",
      "cannot deploy the image: it has no usr/lib/ostree/prepare-root.conf",
      {
        hint: 'Add that file to the image, for example with "[sysroot]\\nreadonly=true"',
      },
    );
  }
  const osRelease = await readText(root, "usr/lib/os-release");
  const variables = parseOsRelease(osRelease ?? (await readText(root, "usr/etc/os-release")) ?? "");
  if (!variables.has("PRETTY_NAME") && !variables.has("ID")) {
    throw new ImageContractError(
      "NO_OS_RELEASE",
      "cannot name the system: usr/lib/os-release has neither PRETTY_NAME nor ID",
    );
  }
  return { architecture, kernel, prepareRoot, osRelease: variables, kargs: await readKargsD(root, architecture) };
}

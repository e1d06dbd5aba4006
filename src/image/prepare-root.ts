// prepare-root.conf (ostree-prepare-root(1)): how the initramfs makes a deployment the root. /etc overrides /usr/lib.
import { keyfileBoolean, parseKeyfile } from "../formats/ini/index.ts";
import type { DirectoryInode } from "../tree/index.ts";
import { ImageContractError } from "./errors.ts";
import { readText } from "./read-text.ts";

export interface PrepareRoot {
  readonly composefs: "no" | "maybe" | "yes" | "signed" | "verity";
  readonly transientRoot: boolean;
  readonly sysrootReadonly: boolean;
}

const PATHS = ["etc/ostree/prepare-root.conf", "usr/etc/ostree/prepare-root.conf", "usr/lib/ostree/prepare-root.conf"];

/** undefined when the tree has no such file. */
export async function readPrepareRoot(root: DirectoryInode): Promise<PrepareRoot | undefined> {
  for (const path of PATHS) {
    const text = await readText(root, path);
    if (text !== undefined) return parsePrepareRoot(text, path);
  }
  return undefined;
}

/** Throws BAD_PREPARE_ROOT for a composefs mode that ostree does not know. */
export function parsePrepareRoot(text: string, path: string): PrepareRoot {
  const keys = parseKeyfile(text, path);
  return {
    composefs: composefsMode(keys.get("composefs")?.get("enabled"), path),
    transientRoot: keyfileBoolean(keys.get("root")?.get("transient")) ?? false,
    sysrootReadonly: keyfileBoolean(keys.get("sysroot")?.get("readonly")) ?? false,
  };
}

function composefsMode(value: string | undefined, path: string): PrepareRoot["composefs"] {
  const known = ["maybe", "signed", "verity"] as const;
  const special = known.find((mode) => mode === value);
  if (special !== undefined) return special;
  const flag = value === undefined ? false : keyfileBoolean(value);
  if (flag === undefined) {
    throw new ImageContractError(
      "BAD_PREPARE_ROOT",
      `cannot read ${path}: [composefs] enabled is "${value}", want yes, no, maybe, signed or verity`,
    );
  }
  return flag ? "yes" : "no";
}

/** Tiny Debian packages and a flat repository of them (sources.list(5): `deb URL ./`), made with dpkg-deb. */
import { createHash } from "node:crypto";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Files, writeFiles } from "./build-workbench.ts";
import { run } from "./tools.ts";

export interface TinyPackage {
  readonly name: string;
  readonly depends?: string;
  readonly files: Readonly<Record<string, string>>;
  /** A shell script's lines after `set -e`. */
  readonly postinst?: string;
}

const VERSION = "1.0";
/** Of everything in the packages. */
const EPOCH = "1500000000";

/** The files of the repository by name: Packages, Release, the packages. */
export async function flatRepository(packages: readonly TinyPackage[], folder: string): Promise<Files> {
  const files: Record<string, string | Uint8Array> = {};
  const stanzas: string[] = [];
  for (const each of packages) {
    const control = controlOf(each);
    const file = `${each.name}_${VERSION}_all.deb`;
    const bytes = await build(each, control, folder, file);
    const digest = createHash("sha256").update(bytes).digest("hex");
    files[file] = bytes;
    stanzas.push(`${control}Filename: ./${file}\nSize: ${bytes.length}\nSHA256: ${digest}\n`);
  }
  const index = stanzas.join("\n");
  const digest = createHash("sha256").update(index).digest("hex");
  const date = new Date(Number(EPOCH) * 1000).toUTCString();
  return {
    ...files,
    Packages: index,
    Release: `Date: ${date}\nSHA256:\n ${digest} ${Buffer.byteLength(index)} Packages\n`,
  };
}

function controlOf({ name, depends }: TinyPackage): string {
  return [
    `Package: ${name}`,
    `Version: ${VERSION}`,
    "Architecture: all",
    "Maintainer: Nobody <nobody@example.com>",
    ...(depends === undefined ? [] : [`Depends: ${depends}`]),
    "Description: a test",
    "",
  ].join("\n");
}

async function build(each: TinyPackage, control: string, folder: string, file: string): Promise<Buffer> {
  const root = join(folder, `${each.name}-root`);
  writeFiles(root, { ...each.files, "DEBIAN/control": control });
  if (each.postinst !== undefined) {
    writeFiles(root, { "DEBIAN/postinst": `#!/bin/sh\nset -e\n${each.postinst}\n` });
    chmodSync(join(root, "DEBIAN", "postinst"), 0o755);
  }
  await run("dpkg-deb", ["--root-owner-group", "--build", root, join(folder, file)], {
    env: { SOURCE_DATE_EPOCH: EPOCH },
  });
  return readFileSync(join(folder, file));
}

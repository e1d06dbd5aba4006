// From a Debian root file system to an image's: a function of the tree. Nothing here knows mmdebstrap, tar or a disk.
import { type ByteString, printable, utf8, utf8ToByteString } from "../../base/bytes/index.ts";
import { contentBytes, contentOf } from "../../base/io/index.ts";
import {
  directory,
  type DirectoryInode,
  ensureDirectory,
  file,
  type Inode,
  lookup,
  lookupDirectory,
  place,
  remove,
  resolve,
  sortedEntries,
  symlink,
} from "../../tree/index.ts";
import { DebianBaseError } from "./errors.ts";
import {
  DISABLED,
  EMPTY_DIRECTORIES,
  type Link,
  LINKS,
  REMOVED,
  REMOVED_VAR,
  ROOT_LINKS,
  UNIT_DIRECTORY,
  UNIT_LINKS,
  VOLATILE_VAR,
} from "./layout.ts";
import { DPKG_DIRECTORY, earlyFiles, type FileOptions, systemFiles, type TextFile } from "./text-files.ts";
import { madeBy, moveToTmpfiles, namesFrom } from "./tmpfiles.ts";

const VAR_LINES = "usr/lib/tmpfiles.d/zz-slipway-var.conf";
const MAX_TEXT_BYTES = 1024 * 1024;

export interface FinishOptions extends FileOptions {
  /** Time of everything that is made here. */
  readonly mtimeSeconds: number;
}

export interface FinishedSystem {
  readonly kernelVersion: string;
  /** Of Debian: "13.2", "forky/sid". */
  readonly debianVersion: string;
}

/** Changes `root` in place. Throws BAD_SYSTEM when it is not what Debian's packages make. */
export async function finishSystem(root: DirectoryInode, options: FinishOptions): Promise<FinishedSystem> {
  const kernelVersion = placeKernel(root);
  moveDirectory(root, "var/lib/dpkg", DPKG_DIRECTORY);
  for (const path of REMOVED) removeMatching(root, path);
  for (const { path, text, mode } of [...earlyFiles(options), ...systemFiles(options)]) {
    place(root, utf8ToByteString(path), textInode(text, options, mode));
  }
  for (const unit of DISABLED) disableUnit(root, unit);
  place(root, "etc/machine-id", textInode("", options, 0o444));
  linkRootDirectories(root, options);
  await emptyVar(root, options);
  for (const { path, mode } of EMPTY_DIRECTORIES) {
    place(root, path, directory({ mode: mode ?? 0o755, mtimeSeconds: options.mtimeSeconds }));
  }
  for (const link of [...LINKS, ...UNIT_LINKS]) placeLink(root, link, options);
  return { kernelVersion, debianVersion: (await readText(root, "etc/debian_version")).trim() };
}

function textInode(text: string, { mtimeSeconds }: FinishOptions, mode: TextFile["mode"] = 0o644): Inode {
  return file(contentOf(utf8(text)), { mode, mtimeSeconds });
}

function placeLink(root: DirectoryInode, { path, target }: Link, { mtimeSeconds }: FinishOptions): void {
  place(root, path, symlink(target, { mtimeSeconds }));
}

/** The one kernel goes beside its modules, with its configuration. */
function placeKernel(root: DirectoryInode): string {
  const modules = lookupDirectory(root, "usr/lib/modules");
  const versions = sortedEntries(modules ?? directory()).flatMap(([name, inode]) =>
    inode.type === "directory" ? [{ version: name, folder: inode }] : [],
  );
  const [found] = versions;
  if (found === undefined || versions.length > 1) {
    const names = versions.map(({ version }) => version).join(", ");
    throw new DebianBaseError(
      "BAD_SYSTEM",
      `cannot use the installed system: it has ${names === "" ? "no kernel" : `several kernels: ${names}`}`,
      {
        hint: "Leave the choice of a kernel to --kernel",
      },
    );
  }
  const { version, folder } = found;
  // Since forky, /boot has a link to the kernel here.
  if (folder.entries.get("vmlinuz")?.type !== "file")
    moveFile(root, `boot/vmlinuz-${version}`, `usr/lib/modules/${version}/vmlinuz`);
  if (lookup(root, `boot/config-${version}`)?.type === "file") {
    moveFile(root, `boot/config-${version}`, `usr/lib/modules/${version}/config`);
  }
  if (folder.entries.get("initramfs.img")?.type !== "file") throw missing(`usr/lib/modules/${version}/initramfs.img`);
  return printable(version);
}

function missing(path: string): DebianBaseError {
  return new DebianBaseError("BAD_SYSTEM", `cannot use the installed system: it has no file /${path}`);
}

function moveFile(root: DirectoryInode, from: ByteString, to: ByteString): void {
  const inode = lookup(root, from);
  if (inode?.type !== "file") throw missing(from);
  remove(root, from);
  place(root, to, inode);
}

function moveDirectory(root: DirectoryInode, from: ByteString, to: ByteString): void {
  const inode = lookupDirectory(root, from);
  if (inode === undefined) throw missing(from);
  remove(root, from);
  place(root, to, inode);
}

/** A pattern is a path whose last name may end in "*". */
function removeMatching(root: DirectoryInode, pattern: ByteString): void {
  if (!pattern.endsWith("*")) return void remove(root, pattern);
  const slash = pattern.lastIndexOf("/");
  const folder = lookupDirectory(root, pattern.slice(0, Math.max(slash, 0)));
  const beginning = pattern.slice(slash + 1, -1);
  for (const name of folder?.entries.keys() ?? []) if (name.startsWith(beginning)) folder?.entries.delete(name);
}

function disableUnit(root: DirectoryInode, unit: ByteString): void {
  const units = lookupDirectory(root, UNIT_DIRECTORY);
  for (const [name, inode] of units?.entries ?? []) {
    if (inode.type !== "directory" || !/\.(wants|requires)$/.test(name)) continue;
    inode.entries.delete(unit);
    if (inode.entries.size === 0) units?.entries.delete(name);
  }
}

/** /home, /root and the like become links; what they held goes to /var, for the lines that make it at boot. */
function linkRootDirectories(root: DirectoryInode, options: FinishOptions): void {
  for (const { path, target } of ROOT_LINKS) {
    const old = lookup(root, path);
    const behind = target.replace(/^\.\.\//, "");
    if (old?.type === "directory") ensureDirectory(root, "var").entries.set(behind.slice("var/".length), old);
    placeLink(root, { path, target }, options);
  }
}

async function emptyVar(root: DirectoryInode, options: FinishOptions): Promise<void> {
  const varDirectory = ensureDirectory(root, "var");
  for (const path of REMOVED_VAR) remove(root, path);
  for (const path of VOLATILE_VAR) keepDirectoriesOnly(lookupDirectory(root, path));
  const covered = new Set<string>();
  for (const [name, inode] of lookupDirectory(root, "usr/lib/tmpfiles.d")?.entries ?? []) {
    if (inode.type !== "file" || !name.endsWith(".conf")) continue;
    for (const path of madeBy(await readText(root, `usr/lib/tmpfiles.d/${name}`))) covered.add(path);
  }
  const names = namesFrom(await readText(root, "etc/passwd"), await readText(root, "etc/group"));
  const lines = moveToTmpfiles(root, varDirectory, "var", covered, names);
  const text = `# What packages left in /var when the image was made.\n${lines.map((line) => `${line}\n`).join("")}`;
  place(root, VAR_LINES, textInode(text, options));
}

function keepDirectoriesOnly(folder: DirectoryInode | undefined): void {
  for (const [name, inode] of folder?.entries ?? []) {
    if (inode.type === "directory") keepDirectoriesOnly(inode);
    else folder?.entries.delete(name);
  }
}

async function readText(root: DirectoryInode, path: ByteString): Promise<string> {
  const inode = resolve(root, path);
  if (inode?.type !== "file") throw missing(path);
  if (inode.content.sizeBytes > MAX_TEXT_BYTES) {
    throw new DebianBaseError(
      "BAD_SYSTEM",
      `cannot read /${path}: ${inode.content.sizeBytes} bytes are more than ${MAX_TEXT_BYTES}`,
    );
  }
  return Buffer.from(await contentBytes(inode.content, MAX_TEXT_BYTES)).toString("utf8");
}

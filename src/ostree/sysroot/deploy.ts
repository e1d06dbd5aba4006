// The first deployment of a sysroot, laid out as `bootc install` leaves it (docs/formats/ostree.md;
// test/vectors/bootc/install). The steps stand in the order in which they happen.
import { utf8 } from "../../base/bytes/index.ts";
import type { BootableImage } from "../../image/index.ts";
import { directory, type DirectoryInode, lookupDirectory } from "../../tree/index.ts";
import { bootEntryName, bootEntryText } from "./boot-entry.ts";
import { type BootFiles, bootFilesOf } from "./boot-files.ts";
import { OstreeSysrootError } from "./errors.ts";
import type { SysrootFileSystem } from "./file-system.ts";
import { formatContainerOrigin } from "./origin.ts";

export interface DeployInput {
  readonly commit: string;
  /** The commit's tree; its files are the repository's objects. */
  readonly checkout: DirectoryInode;
  readonly image: BootableImage;
  readonly stateroot: string;
  /** Complete, without `ostree=`. */
  readonly kargs: readonly string[];
  /** Where updates come from: HOST/NAME:TAG. */
  readonly updateReference: string;
  /** The `.ostree.cfs` image, when the image's prepare-root.conf asks for composefs. */
  readonly composefs?: Uint8Array;
}

export interface Deployment {
  readonly commit: string;
  readonly serial: number;
  readonly stateroot: string;
  readonly bootChecksum: string;
  /** ostree/deploy/STATEROOT/deploy/COMMIT.SERIAL */
  readonly path: string;
}

const BOOT_VERSION = 1;
const SUB_VERSION = 1;
const SERIAL = 0;

export async function deployFirst(sysroot: SysrootFileSystem, input: DeployInput): Promise<Deployment> {
  if (await sysroot.exists("boot/loader")) {
    throw new OstreeSysrootError("NOT_EMPTY", "cannot make the first deployment: the sysroot has boot entries already");
  }
  const files = await bootFilesOf(input.image.kernel);
  const path = `ostree/deploy/${input.stateroot}/deploy/${input.commit}.${SERIAL}`;
  await sysroot.makeDirectory(`ostree/deploy/${input.stateroot}/deploy`);
  await placeDeployment(sysroot, path, input);
  await fillStateroot(sysroot, input);
  await makeBacking(sysroot, input);
  await sysroot.writeFile(`${path}.origin`, utf8(formatContainerOrigin(input.updateReference)));
  await installKernel(sysroot, path, input.stateroot, files);
  await writeBootEntry(sysroot, input, files);
  await linkBootVersion(sysroot, input, files);
  await sysroot.writeFile(`ostree/repo/refs/heads/ostree/${BOOT_VERSION}/${SUB_VERSION}/0`, utf8(`${input.commit}\n`));
  await sysroot.makeImmutable(path);
  return { commit: input.commit, serial: SERIAL, stateroot: input.stateroot, bootChecksum: files.bootChecksum, path };
}

/** The checkout, its /etc as a copy of /usr/etc, and the composefs image. */
async function placeDeployment(sysroot: SysrootFileSystem, path: string, input: DeployInput): Promise<void> {
  const etc = lookupDirectory(input.checkout, "etc");
  const usrEtc = lookupDirectory(input.checkout, "usr/etc");
  if (etc !== undefined && etc.entries.size > 0) {
    throw new OstreeSysrootError("BAD_TREE", "cannot deploy: the commit has content in /etc, want it in /usr/etc only");
  }
  if (usrEtc === undefined) throw new OstreeSysrootError("BAD_TREE", "cannot deploy: the commit has no /usr/etc");
  const entries = new Map(input.checkout.entries);
  entries.delete("etc");
  await sysroot.placeTree(path, { ...input.checkout, entries }, "link");
  await sysroot.placeTree(`${path}/etc`, usrEtc, "copy");
  if (input.composefs !== undefined) await sysroot.writeFile(`${path}/.ostree.cfs`, input.composefs);
}

/** The shared /var: the commit's, copied once; libostree's legacy folders where nothing else makes them. */
async function fillStateroot(sysroot: SysrootFileSystem, input: DeployInput): Promise<void> {
  const target = `ostree/deploy/${input.stateroot}/var`;
  const content = lookupDirectory(input.checkout, "var");
  // The stateroot's own directory is made by os-init: root's, 0755, whatever the image's /var is.
  await sysroot.placeTree(target, directory({}, content?.entries ?? []), "copy");
  if (lookupDirectory(input.checkout, "usr/lib/tmpfiles.d") === undefined) {
    await sysroot.makeDirectory(`${target}/tmp`, 0o1777);
    for (const name of ["lib", "log"]) await sysroot.makeDirectory(`${target}/${name}`);
    await sysroot.makeSymlink(`${target}/run`, "../run");
    await sysroot.makeSymlink(`${target}/lock`, "../run/lock");
  }
  await sysroot.writeFile(`${target}/.ostree-selabeled`, new Uint8Array());
}

/** Room for a transient root; made always, as libostree does since 2024. */
async function makeBacking(sysroot: SysrootFileSystem, input: DeployInput): Promise<void> {
  const base = `ostree/deploy/${input.stateroot}/backing`;
  const mine = `${base}/${input.commit}.${SERIAL}`;
  for (const path of [base, mine, `${mine}/root-transient`, `${mine}/root-transient/work`]) {
    await sysroot.makeDirectory(path, 0o700);
  }
  await sysroot.makeDirectory(`${mine}/root-transient/upper`, input.checkout.mode);
}

async function installKernel(
  sysroot: SysrootFileSystem,
  deployment: string,
  stateroot: string,
  files: BootFiles,
): Promise<void> {
  const folder = `boot/ostree/${stateroot}-${files.bootChecksum}`;
  await sysroot.makeDirectory(folder);
  for (const { from, to } of files.files) await sysroot.link(`${deployment}/${from}`, `${folder}/${to}`);
}

async function writeBootEntry(sysroot: SysrootFileSystem, input: DeployInput, files: BootFiles): Promise<void> {
  const place = { index: 0, count: 1 };
  const text = bootEntryText({
    ...place,
    osRelease: input.image.osRelease,
    kargs: input.kargs,
    stateroot: input.stateroot,
    bootVersion: BOOT_VERSION,
    bootSerial: 0,
    files,
  });
  await sysroot.makeDirectory(`boot/loader.${BOOT_VERSION}/entries`);
  await sysroot.writeFile(`boot/loader.${BOOT_VERSION}/entries/${bootEntryName(place)}`, utf8(text));
  await sysroot.makeSymlink("boot/loader", `loader.${BOOT_VERSION}`);
  await sysroot.makeSymlink("boot/boot", ".");
}

async function linkBootVersion(sysroot: SysrootFileSystem, input: DeployInput, files: BootFiles): Promise<void> {
  const version = `boot.${BOOT_VERSION}.${SUB_VERSION}`;
  const folder = `ostree/${version}/${input.stateroot}/${files.bootChecksum}`;
  await sysroot.makeDirectory(folder);
  await sysroot.makeSymlink(`${folder}/0`, `../../../deploy/${input.stateroot}/deploy/${input.commit}.${SERIAL}`);
  await sysroot.makeSymlink(`ostree/boot.${BOOT_VERSION}`, version);
}

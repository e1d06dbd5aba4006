/**
 * What is done to roots of build steps in test/oracles/build-root.test.ts: layers are laid out on disk, shell commands
 * change them, the changes become a layer, and a second layout of all layers has to look the same to find, sha256sum and
 * getfattr. Run as a program it does the same as the user that it runs as, and prints what happened as JSON.
 */
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../src/base/process/index.ts";
import { contentOf, EMPTY_CONTENT } from "../../src/base/io/index.ts";
import { type HostNamespace, Root, WorkRoot } from "../../src/build/root/index.ts";
import { Namespace } from "../../src/build/sandbox/index.ts";
import {
  describeBytes,
  formatManifest,
  type ImageLayer,
  type LocalStore,
  MEDIA_TYPE,
  openLocalStore,
  pushBytes,
} from "../../src/oci/index.ts";
import type { LayerEntry } from "../../src/tree/index.ts";

export const EPOCH = 1_600_000_000;
const NEVER: AbortSignal = new AbortController().signal;
const PLAIN = {
  uid: 0,
  gid: 0,
  mtimeSeconds: 1_500_000_000,
  xattrs: [],
  target: "",
  content: EMPTY_CONTENT,
  major: 0,
  minor: 0,
};

export function dir(path: string, extra: Partial<LayerEntry> = {}): LayerEntry {
  return { ...PLAIN, type: "directory", path, mode: 0o755, ...extra };
}
export function file(path: string, text: string, extra: Partial<LayerEntry> = {}): LayerEntry {
  return { ...PLAIN, type: "file", path, mode: 0o644, content: contentOf(Buffer.from(text)), ...extra };
}
export function link(path: string, target: string): LayerEntry {
  return { ...PLAIN, type: "hardlink", path, mode: 0o644, target };
}
export function symlink(path: string, target: string): LayerEntry {
  return { ...PLAIN, type: "symlink", path, mode: 0o777, target };
}

export const BASE: readonly LayerEntry[] = [
  dir(""),
  dir("etc"),
  file("etc/conf", "settings"),
  file("etc/late", "late", { mtimeSeconds: EPOCH + 1000 }),
  dir("usr"),
  dir("usr/lib"),
  file("usr/lib/a", "same"),
  link("usr/lib/b", "usr/lib/a"),
  file("usr/lib/c", "alone"),
  dir("usr/lib/deep"),
  file("usr/lib/deep/x", "x"),
  file("usr/lib/deep/y", "y"),
  symlink("lib", "usr/lib"),
  file("suid", "#!", { mode: 0o4755 }),
  dir("tmp", { mode: 0o1777 }),
  file("labelled", "l", { xattrs: [{ name: "security.selinux", value: Buffer.from("system_u:object_r:etc_t:s0\0") }] }),
  { ...PLAIN, type: "character", path: "null", mode: 0o666, major: 1, minor: 3 },
];

/** Owners that only more than one id can set. */
export const OWNED: readonly LayerEntry[] = [
  file("owned", "o", { uid: 33, gid: 44, mode: 0o600 }),
  dir("shared", { uid: 0, gid: 44, mode: 0o2775 }),
];

export interface Step {
  readonly script?: string;
  /** Nobody asks what it has changed. */
  readonly hasFailed?: boolean;
  readonly copy?: readonly LayerEntry[];
}

export interface Outcome {
  /** Of each step: "path type" or "path type target", whiteouts as "path gone". */
  readonly steps: readonly (readonly string[])[];
  readonly layers: readonly ImageLayer[];
  /** As find, sha256sum and getfattr see the directory that the steps ran in, and a new one made from all layers. */
  readonly worked: string;
  readonly fresh: string;
  /** The base's directory before the steps, and what the next build finds of it. */
  readonly pristine: string;
  readonly kept: string;
}

/** Runs steps over a base layer. `folder` is empty or has been used before by the same user. */
export async function playSteps(
  folder: string,
  namespace: HostNamespace,
  base: readonly LayerEntry[],
  steps: readonly Step[],
  epochSeconds?: number,
): Promise<Outcome> {
  const store = await openLocalStore(join(folder, "store"));
  const parent = join(folder, "work");
  await mkdir(parent, { recursive: true });
  const epoch = epochSeconds === undefined ? {} : { epochSeconds };
  const first = (await Root.of(store, [], store.images).add(base, { signal: NEVER })).root;
  let root = first;
  const told: string[][] = [];
  let worked = "";
  let pristine = "";
  {
    await using work = await WorkRoot.make(root, parent, namespace, { signal: NEVER });
    pristine = await listing(namespace, work.directory);
    for (const { script, copy, hasFailed } of steps) {
      if (script !== undefined) await shell(namespace, work.directory, script);
      if (hasFailed === true) continue;
      const entries = copy ?? (await work.changes(epoch));
      const added = await root.add(entries, { ...epoch, signal: NEVER });
      if (copy === undefined) work.settle(added.root);
      else if (added.layer !== undefined) await work.update(added.root, added.layer);
      ({ root } = added);
      told.push(entries.map(nameOf));
    }
    worked = await listing(namespace, work.directory);
  }
  const kept = await freshListing(store, first, parent, namespace);
  // From the files of the cache alone.
  const again = await freshListing(store, root, parent, namespace);
  root[Symbol.dispose]();
  return { steps: told, layers: root.layers, worked, fresh: again, pristine, kept };
}

async function freshListing(store: LocalStore, root: Root, parent: string, namespace: HostNamespace): Promise<string> {
  using again = Root.of(store, root.layers, store.images);
  await using work = await WorkRoot.make(again, parent, namespace, { signal: NEVER });
  return await listing(namespace, work.directory);
}

function nameOf({ path, type, target }: LayerEntry): string {
  const name = JSON.stringify(path).slice(1, -1);
  if (/(^|\/)\.wh\./.test(path)) return `${name.replace(/(^|\/)\.wh\./, "$1")} gone`;
  return target === "" ? `${name} ${type}` : `${name} ${type} ${target}`;
}

async function shell(namespace: HostNamespace, directory: string, script: string): Promise<string> {
  const { program, args } = namespace.enter("sh", ["-ec", `cd "$0"\n${script}`, directory]);
  return (await run(program, args, { env: { LC_ALL: "C" } })).stdout;
}

/** Directories have a size of their own on some file systems, and links of their own. */
const LISTING = String.raw`
find . -xdev ! -type s ! -type c -printf '%y %m %U:%G %Ts %P -> %l\0' | LC_ALL=C sort -z | tr '\0' '\n'
find . -xdev -type f -printf '%n %s %P\0' | LC_ALL=C sort -z | tr '\0' '\n'
find . -xdev -type f -size -64k -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum -z | tr '\0' '\n'
find . -xdev ! -type l -print0 | LC_ALL=C sort -z | xargs -0 -r getfattr -h -d -m '^(user|security.capability|system.posix_acl)' -e hex
`;

export function listing(namespace: HostNamespace, directory: string): Promise<string> {
  return shell(namespace, directory, LISTING);
}

/** The layers as an image in the folder's store, for tools that read OCI layouts. */
export async function tagImage(folder: string, layers: readonly ImageLayer[], name: string): Promise<void> {
  const { images } = await openLocalStore(join(folder, "store"));
  const rootfs = { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) };
  const configBytes = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs }));
  const config = describeBytes(MEDIA_TYPE.config, configBytes);
  await pushBytes(images, config, configBytes);
  const bytes = formatManifest({
    mediaType: MEDIA_TYPE.manifest,
    config,
    layers: layers.map(({ descriptor }) => descriptor),
    annotations: {},
  });
  const manifest = describeBytes(MEDIA_TYPE.manifest, bytes);
  await pushBytes(images, manifest, bytes);
  await images.tag(manifest, name);
}

/** What every kind of user can do, with the same result. */
export const USER_STEPS: readonly Step[] = [
  { script: "echo new >etc/new; chmod 640 owned; echo more >>owned; rm usr/lib/b; mv usr/lib/deep usr/deep" },
  { copy: [file("etc/new", "copied", { uid: 7, gid: 8 }), dir("opt"), file("usr/.wh.deep", "")] },
  {
    script:
      "touch etc/new opt; ln etc/conf etc/conf2; setfattr -n user.x -v y etc/conf; chmod 2750 shared; setcap cap_net_raw+ep usr/lib/c",
  },
];

/** `node build-root.ts FOLDER`, or `node build-root.ts FOLDER crash` to be killed while the work directory is there. */
async function main(folder: string, mode: string | undefined): Promise<void> {
  await using namespace = await Namespace.open({ signal: NEVER, env: process.env });
  const base = [...BASE, ...OWNED];
  const crash = mode === "crash" ? { script: `kill -9 ${process.pid}; sleep 1` } : undefined;
  const outcome = await playSteps(folder, namespace, base, crash === undefined ? USER_STEPS : [crash], EPOCH);
  const left = (await readdir(join(folder, "work"))).filter((name) => !name.startsWith("kept-"));
  process.stdout.write(JSON.stringify({ ids: namespace.ids, ...outcome, left }));
}

if (process.argv[1] === import.meta.filename) await main(process.argv[2] as string, process.argv[3]);

// The SELinux policy inside a tree, as far as labels go (docs/formats/ostree.md): file contexts and path substitutions.
import { type ByteString, bytesToByteString, utf8ToByteString } from "../../base/bytes/index.ts";
import { contentBytes } from "../../base/io/index.ts";
import { readText } from "../../image/index.ts";
import { type DirectoryInode, resolve } from "../../tree/index.ts";
import { badPolicy, FileContexts, type FileKind } from "./file-contexts.ts";

const MAX_BYTES = 64 * 1024 * 1024;
const CONTEXTS = ["file_contexts", "file_contexts.homedirs", "file_contexts.local"];
const SUBSTITUTIONS = ["file_contexts.subs", "file_contexts.subs_dist"];

interface Substitution {
  readonly from: ByteString;
  readonly to: ByteString;
}

export class Policy {
  readonly #contexts: FileContexts;
  /** One list a file; each replaces at most once. */
  readonly #substitutions: readonly (readonly Substitution[])[];

  constructor(contexts: FileContexts, substitutions: readonly (readonly Substitution[])[]) {
    this.#contexts = contexts;
    this.#substitutions = substitutions;
  }

  /** The label of an absolute path ("/" for the root), or undefined. */
  label(path: ByteString, kind: FileKind): string | undefined {
    // libostree's special case: the content of an image's /proc is a mount point, not the kernel's.
    let looked = path === "/proc" ? "/mnt" : path;
    for (const list of this.#substitutions) {
      const found = list.find(({ from }) => looked === from || looked.startsWith(`${from}/`));
      if (found !== undefined) looked = found.to + looked.slice(found.from.length);
    }
    return this.#contexts.lookup(looked, kind);
  }
}

/** The policy that a tree wants enforced, or undefined. Throws BAD_POLICY when it names one that is not there. */
export async function loadPolicy(root: DirectoryInode): Promise<Policy | undefined> {
  for (const base of ["etc/selinux", "usr/etc/selinux"]) {
    const config = await readText(root, `${base}/config`);
    if (config === undefined) continue;
    const mode = setting(config, "SELINUX");
    const type = setting(config, "SELINUXTYPE");
    if (type === undefined || (mode !== "enforcing" && mode !== "permissive")) return undefined;
    if (type.includes("/") || type.startsWith(".")) throw badPolicy(`${base}/config`, `SELINUXTYPE is "${type}"`);
    return await readPolicy(root, `${base}/${type}/contexts/files`);
  }
  return undefined;
}

function setting(config: string, key: string): string | undefined {
  return new RegExp(`^[ \\t]*${key}[ \\t]*=[ \\t]*([^\\s#]+)`, "m").exec(config)?.[1];
}

async function readPolicy(root: DirectoryInode, folder: string): Promise<Policy> {
  const contexts = new FileContexts();
  for (const name of CONTEXTS) {
    const text = await readBytes(root, `${folder}/${name}`);
    if (text === undefined && name === CONTEXTS[0]) throw badPolicy(`${folder}/${name}`, "it is not there");
    contexts.add(text ?? "", `${folder}/${name}`);
  }
  const substitutions = [];
  for (const name of SUBSTITUTIONS)
    substitutions.push(parseSubstitutions((await readBytes(root, `${folder}/${name}`)) ?? ""));
  return new Policy(contexts, substitutions);
}

function parseSubstitutions(text: ByteString): Substitution[] {
  return text.split("\n").flatMap((line) => {
    const [from, to] = line.trim().split(/\s+/);
    return from === undefined || to === undefined || from.startsWith("#") ? [] : [{ from, to }];
  });
}

async function readBytes(root: DirectoryInode, path: string): Promise<ByteString | undefined> {
  const inode = resolve(root, utf8ToByteString(path));
  if (inode?.type !== "file") return undefined;
  if (inode.content.sizeBytes > MAX_BYTES)
    throw badPolicy(path, `it has ${inode.content.sizeBytes} bytes, the limit is ${MAX_BYTES}`);
  return bytesToByteString(await contentBytes(inode.content, MAX_BYTES));
}

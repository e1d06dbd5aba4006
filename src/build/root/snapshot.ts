// What is in a work directory, as find(1) of GNU findutils tells it: enough to see afterwards which paths a command may
// have changed. Every change of a file, of its metadata or of its names sets its ctime, which nobody can set back.
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type ByteString, compareByteStrings } from "../../base/bytes/index.ts";
import { type DirectoryInode, parentOf, walk } from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import { type HostNamespace, nameList, runTool } from "./host-tools.ts";
import { isMaterial } from "./materialise.ts";

export interface SnapshotEntry {
  /** find's letter: f d l p s b c. */
  readonly type: string;
  /** Inode, links, mode, owner, size, mtime and ctime: equal when nothing has changed. */
  readonly facts: string;
}

export type Snapshot = ReadonlyMap<ByteString, SnapshotEntry>;

/** Type, then facts; path relative to the start, "" for the start itself. */
const FORMAT = "%y %i %n %m %U %G %s %T@ %C@\\0%P\\0";
const MAX_ENTRIES = 4_000_000;

export async function takeSnapshot(
  namespace: HostNamespace,
  directory: string,
  signal: AbortSignal,
): Promise<Snapshot> {
  const reader = new SnapshotReader();
  const onOutput = (chunk: Buffer): void => reader.push(chunk);
  await runTool(namespace, "find", [directory, "-xdev", "-printf", FORMAT], { signal, onOutput });
  return reader.finish();
}

/** Adds to a file of `writeSnapshot` what is to be said of some paths now, in place of what it says of them. */
export async function appendSnapshot(
  namespace: HostNamespace,
  directory: string,
  paths: readonly ByteString[],
  target: string,
  signal: AbortSignal,
): Promise<void> {
  await using handle = await open(target, "a");
  // find takes the paths before the rest, xargs gives them after it.
  const args = ["--null", "sh", "-c", 'cd -- "$ROOT" && exec find "$@" -maxdepth 0 -printf "$FORMAT"', "sh"];
  await runTool(namespace, "xargs", args, {
    input: nameList(paths),
    env: { ROOT: directory, FORMAT: FORMAT.replace("%P", "%p") },
    stdout: handle.fd,
    signal,
  });
}

/** Of a directory that holds this tree, when nobody has looked at it: whatever is found there differs. */
export function snapshotWithoutFacts(tree: DirectoryInode): Snapshot {
  const entries = Iterator.from(walk(tree)).filter(({ inode }) => isMaterial(inode));
  return new Map(entries.map(({ path }) => [path, { type: "", facts: "" }]));
}

export async function writeSnapshot(path: string, snapshot: Snapshot): Promise<void> {
  await pipeline(Readable.from(snapshotLines(snapshot)), createWriteStream(path, { mode: 0o600 }));
}

function* snapshotLines(snapshot: Snapshot): Generator<Buffer> {
  let text = "";
  for (const [path, { facts }] of snapshot) {
    text += `${facts}\0${path}\0`;
    if (text.length < 65_536) continue;
    yield Buffer.from(text, "latin1");
    text = "";
  }
  yield Buffer.from(text, "latin1");
}

/**
 * What `writeSnapshot` and `appendSnapshot` wrote; the file is written anew when much of it was added. Throws BuildError
 * SANDBOX when it is not whole.
 */
export async function readSnapshot(path: string): Promise<Snapshot> {
  const reader = new SnapshotReader();
  for await (const chunk of createReadStream(path)) reader.push(chunk as Buffer);
  const snapshot = reader.finish();
  if (reader.superseded > snapshot.size / 4) await writeSnapshot(path, snapshot);
  return snapshot;
}

export class SnapshotReader {
  /** Entries that later ones of the same path have taken the place of. */
  superseded = 0;
  readonly #entries = new Map<ByteString, SnapshotEntry>();
  #rest = "";

  push(chunk: Buffer): void {
    const fields = (this.#rest + chunk.toString("latin1")).split("\0");
    const whole = fields.length - (fields.length % 2 === 0 ? 2 : 1);
    for (let at = 0; at < whole; at += 2) this.#add(fields[at] as string, fields[at + 1] as string);
    this.#rest = fields.slice(whole).join("\0");
  }

  /** Throws BuildError when the output ends in the middle. */
  finish(): Snapshot {
    if (this.#rest !== "") throw badOutput(this.#rest);
    return this.#entries;
  }

  #add(facts: string, name: ByteString): void {
    // As it starts for a find that was given the paths.
    const path = name.startsWith("./") ? name.slice(2) : name;
    if (!/^[a-zA-Z?] \d+ \d+ [0-7]+ \d+ \d+ \d+ /.test(facts)) throw badOutput(facts);
    if (this.#entries.size === MAX_ENTRIES) {
      throw new BuildError("LIMIT", `cannot look for the changes of a step: there are more than ${MAX_ENTRIES} files`);
    }
    if (this.#entries.has(path)) this.superseded++;
    this.#entries.set(path, { type: facts[0] as string, facts });
  }
}

function badOutput(text: string): BuildError {
  return new BuildError("SANDBOX", `cannot read what find says: ${JSON.stringify(text.slice(0, 100))}`, {
    hint: "Install GNU findutils",
  });
}

const SOCKET = "s";

export interface SnapshotChanges {
  /** There now, and new or different, with all names of each file; sorted. Without sockets: a tar has none. */
  readonly candidates: readonly ByteString[];
  /** Topmost paths that are there no longer, where their parent still is a directory. */
  readonly gone: readonly ByteString[];
}

export function compareSnapshots(before: Snapshot, now: Snapshot): SnapshotChanges {
  const candidates: ByteString[] = [];
  const linked = new Set<string>();
  for (const [path, { type, facts }] of now) {
    if (type === SOCKET || before.get(path)?.facts === facts) continue;
    candidates.push(path);
    const inode = linkedInode(facts);
    if (inode !== undefined) linked.add(inode);
  }
  // A renamed directory brings new names of files whose other names nothing has touched.
  if (linked.size > 0) {
    const named = new Set(candidates);
    for (const [path, { facts }] of now)
      if (!named.has(path) && linked.has(linkedInode(facts) ?? "")) candidates.push(path);
  }
  const gone: ByteString[] = [];
  for (const path of before.keys()) {
    if ((now.get(path)?.type ?? SOCKET) !== SOCKET) continue;
    if (now.get(parentOf(path))?.type === "d") gone.push(path);
  }
  return { candidates: candidates.sort(compareByteStrings), gone };
}

/** The number of an inode with several names. */
function linkedInode(facts: string): string | undefined {
  // "f 123 1 …"
  const at = facts.indexOf(" ", 2);
  return facts.startsWith("d") || facts.startsWith("1 ", at + 1) ? undefined : facts.slice(2, at);
}

// What was picked, laid over the target: owners found, archives opened, the layer's entries made.
import type { ByteString } from "../../base/bytes/index.ts";
import { baseName, type Inode, type LayerEntry, parentOf } from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import { type Archive, openArchive, putArchive } from "./archive.ts";
import type { ContextEntry } from "./context.ts";
import { findDestination } from "./destination.ts";
import type { ChangeMode } from "./mode.ts";
import { findOwner, type Owner } from "./owner.ts";
import type { CopyRequest } from "./request.ts";
import { joinPath } from "./paths.ts";
import type { Item, Pick } from "./select.ts";
import type { Scratch } from "./sources.ts";
import { Staging } from "./staging.ts";
import type { CopyTarget } from "./target.ts";

type Placeable = Exclude<Pick, { kind: "url" }> | { readonly kind: "archive"; readonly archive: Archive };

/** Throws BuildError. */
export async function placePicks(
  request: CopyRequest,
  picks: readonly Pick[],
  changeMode: ChangeMode | undefined,
  onto: CopyTarget,
  scratch: Scratch,
): Promise<LayerEntry[]> {
  const { epochSeconds } = request;
  const owner = request.chown === undefined ? undefined : await findOwner(request.chown, onto);
  const staging = new Staging(onto, {
    owner: owner ?? { uid: 0, gid: 0 },
    ...(epochSeconds === undefined ? {} : { epochSeconds }),
    follow: !request.link,
  });
  const clamp = (seconds: number): number => Math.min(seconds, epochSeconds ?? seconds);
  // When a clone wrote its files is no part of what they are.
  const dated = (seconds: number): number => epochSeconds ?? seconds;
  const things: Placeable[] = [];
  for (const pick of picks) things.push(await opened(pick, request, scratch));
  const files = things.filter(({ kind }) => kind === "file").length;
  const { directory, name } = await findDestination(request, { files, things: things.length }, staging);
  // Also where nothing comes into it: the contents of an empty directory.
  await staging.directory(directory);
  for (const thing of things) {
    request.signal.throwIfAborted();
    if (thing.kind === "archive") await putArchive(thing.archive, staging, directory, clamp);
    else {
      const items = thing.kind === "tree" ? thing.items : [{ path: fileName(thing, name), entry: thing.entry }];
      await putItems(items, staging, directory, (entry) => inodeOf(entry, owner, changeMode, dated));
    }
  }
  return staging.entries();
}

function fileName(
  file: { readonly name: ByteString; readonly source: string },
  given: ByteString | undefined,
): ByteString {
  const name = given ?? file.name;
  if (name !== "") return name;
  throw new BuildError(
    "BAD_VALUE",
    `cannot add "${file.source}": it has no file name, and the destination is a directory`,
    {
      hint: "Give the file a name in the destination",
    },
  );
}

async function opened(pick: Pick, request: CopyRequest, scratch: Scratch): Promise<Placeable> {
  if (pick.kind === "tree") return pick;
  const file: Placeable & Pick =
    pick.kind === "file"
      ? pick
      : { kind: "file", name: pick.name, entry: await pick.fetch(), source: pick.source, isLocal: false };
  const unpack = request.kind === "ADD" && file.entry.type === "file" && (request.unpack ?? file.isLocal);
  if (!unpack) return file;
  const archive = await openArchive(file.entry.content, file.source, scratch.next, request.signal);
  return archive === undefined ? file : { kind: "archive", archive };
}

async function putItems(
  items: readonly Item[],
  staging: Staging,
  directory: string,
  toInode: (entry: ContextEntry) => Inode,
): Promise<void> {
  const links = new Map<unknown, Inode>();
  for (const { path, entry } of items) {
    const inode = (entry.link === undefined ? undefined : links.get(entry.link)) ?? toInode(entry);
    if (entry.link !== undefined) links.set(entry.link, inode);
    await staging.put(await staging.directory(joinPath(directory, parentOf(path))), baseName(path), inode);
  }
}

function inodeOf(
  entry: ContextEntry,
  owner: Owner | undefined,
  changeMode: ChangeMode | undefined,
  dated: (seconds: number) => number,
): Inode {
  const { type, xattrs, target, content, major, minor } = entry;
  const isDirectory = type === "directory";
  const mode = type === "symlink" ? entry.mode : (changeMode?.(entry.mode, isDirectory) ?? entry.mode);
  const { uid, gid } = owner ?? entry;
  const metadata = { mode, uid, gid, mtimeSeconds: dated(entry.mtimeSeconds), xattrs };
  switch (type) {
    case "file":
      return { ...metadata, type, content };
    case "directory":
      return { ...metadata, type, entries: new Map() };
    case "symlink":
      return { ...metadata, type, target };
    case "character":
    case "block":
      return { ...metadata, type, major, minor };
    default:
      return { ...metadata, type };
  }
}

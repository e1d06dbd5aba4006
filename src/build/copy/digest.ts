// The digest of what a COPY or ADD is about to do: names, kinds, modes, owners, link targets, attributes and contents;
// as in BuildKit's and buildah's caches no times, but for the epoch that all times are held against.
import { createHash, type Hash } from "node:crypto";
import type { ContextEntry } from "./context.ts";
import { destinationPath, isFolder } from "./destination.ts";
import type { ChangeMode } from "./mode.ts";
import type { CopyRequest } from "./request.ts";
import type { Pick } from "./select.ts";

const FORMAT = "slipway copy 1";

/** SHA-256 in hexadecimal. */
export async function digestPicks(
  request: CopyRequest,
  picks: readonly Pick[],
  changeMode: ChangeMode | undefined,
): Promise<string> {
  const sum = createHash("sha256");
  const { kind, chown, chmod, link, unpack, epochSeconds } = request;
  const place = [destinationPath(request), isFolder(request), link];
  record(sum, [FORMAT, kind, place, chown ?? null, chmod ?? null, unpack ?? null, epochSeconds ?? null]);
  for (const pick of picks) {
    if (pick.kind === "url") {
      record(sum, ["url", pick.name, pick.checksum]);
      continue;
    }
    const items = pick.kind === "file" ? [{ path: pick.name, entry: pick.entry }] : pick.items;
    record(sum, [pick.kind, items.length]);
    const links = new Map<unknown, number>();
    for (const [index, { path, entry }] of items.entries()) {
      const first = entry.link === undefined ? index : (links.get(entry.link) ?? index);
      if (first === index) links.set(entry.link, index);
      const content = entry.type === "file" && first === index ? await entry.digest(request.signal) : first;
      record(sum, [path, facts(entry, changeMode, chown !== undefined), content]);
    }
  }
  return sum.digest("hex");
}

function facts(entry: ContextEntry, changeMode: ChangeMode | undefined, isChowned: boolean): unknown[] {
  const { type, target, major, minor } = entry;
  const mode = changeMode?.(entry.mode, type === "directory") ?? entry.mode;
  const owner = isChowned ? null : [entry.uid, entry.gid];
  const xattrs = entry.xattrs.map(({ name, value }) => [name, Buffer.from(value).toString("hex")]);
  return [type, mode, owner, target, major, minor, xattrs];
}

function record(sum: Hash, values: readonly unknown[]): void {
  sum.update(`${JSON.stringify(values)}\n`);
}

// Symbolic links followed inside a root: absolute targets start at it, ".." stops at it. Nothing leads out (path_resolution(7)).
import { type ByteString, printable } from "../base/bytes/index.ts";
import { BuildError } from "./error.ts";

interface Node {
  readonly type: string;
}

/** What is at a path whose parents are real directories; nothing is followed. */
export type Look<T extends Node> = (path: ByteString) => Promise<T | undefined>;

export interface Resolved<T extends Node> {
  /** Without links as far as it exists; what is missing stays as it was written. */
  readonly path: ByteString;
  /** Undefined when there is nothing. */
  readonly node: T | undefined;
}

const MAX_SYMLINKS = 40;

/** Throws BuildError BAD_VALUE for a loop. */
export async function resolvePath<T extends Node>(
  look: Look<T>,
  path: ByteString,
  followLast: boolean = true,
): Promise<Resolved<T>> {
  const pending = path.split("/").filter(isName).toReversed();
  let real: ByteString[] = [];
  let node = pending.length === 0 ? await look("") : undefined;
  let missing = false;
  for (let followed = 0; pending.length > 0;) {
    const name = pending.pop() as ByteString;
    if (name === "..") {
      real.pop();
      missing = false;
      if (pending.length === 0) node = await look(real.join("/"));
      continue;
    }
    real.push(name);
    node = missing ? undefined : await look(real.join("/"));
    if (node?.type === "symlink" && (pending.length > 0 || followLast)) {
      if (++followed > MAX_SYMLINKS)
        throw new BuildError("BAD_VALUE", `cannot follow "/${printable(path)}": too many levels of symbolic links`);
      const target = targetOf(node);
      if (target.startsWith("/")) real = [];
      else real.pop();
      pending.push(...target.split("/").filter(isName).toReversed());
      if (pending.length === 0) node = await look(real.join("/"));
      continue;
    }
    // Below what is no directory there is nothing.
    missing ||= node?.type !== "directory";
  }
  return { path: real.join("/"), node };
}

function targetOf(node: Node): ByteString {
  return "target" in node && typeof node.target === "string" ? node.target : "";
}

function isName(name: string): boolean {
  return name !== "" && name !== ".";
}

// A directory of this machine as a context. Names are bytes. As buildah has it, setuid and setgid bits are dropped and
// everything is root's. Extended attributes are not read: Node has no call for them, and no checkout or archive of
// sources brings them; a file that needs a capability gets it by RUN setcap, or from a stage or an archive.
import { lstatSync, readdirSync, readlinkSync, type Stats } from "node:fs";
import { resolve } from "node:path";
import { type ByteString, bytesToByteString, printable, utf8ToByteString } from "../../base/bytes/index.ts";
import { systemErrorCode } from "../../base/errors.ts";
import { type Content, contentFrom, EMPTY_CONTENT } from "../../base/io/index.ts";
import type { Inode, Xattr } from "../../tree/index.ts";
import type { IgnoreRules } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import { contentDigest, type ContentDigests } from "./content-digests.ts";
import { ContextFile, unreadable } from "./context-file.ts";
import type { ContextEntry, ContextSource } from "./context.ts";
import { matchable } from "./glob.ts";

export interface DirectoryContextOptions {
  /** Keeps digests of contents over builds; without it every file is read each time. */
  readonly digests?: ContentDigests;
}

export function directoryContext(
  path: string,
  ignore: IgnoreRules,
  { digests }: DirectoryContextOptions = {},
): ContextSource {
  const root = utf8ToByteString(resolve(path)).replace(/^\/$/, "");
  const onDisk = (inside: ByteString): string | Buffer => diskPath(`${root}/${inside}`);
  return {
    description: `the context ${path}`,
    keepsOwners: false,
    excludes: (inside, isDirectory) => ignore.excludes(matchable(inside), isDirectory),
    prunes: (inside) => ignore.prunes(matchable(inside)),
    names: async (inside) => {
      try {
        return readdirSync(onDisk(inside), { encoding: "latin1" }).sort();
      } catch (error) {
        throw unreadable(inside, error);
      }
    },
    lstat: async (inside) => {
      const full = onDisk(inside);
      const stats = statOf(full, inside);
      return stats === undefined ? undefined : new DirectoryEntry(full, inside, stats, digests);
    },
  };
}

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

/** Bytes that are no ASCII must not be encoded again. */
function diskPath(path: ByteString): string | Buffer {
  return ASCII.test(path) ? path : Buffer.from(path, "latin1");
}

function statOf(full: string | Buffer, inside: ByteString): Stats | undefined {
  try {
    return lstatSync(full, { throwIfNoEntry: false });
  } catch (error) {
    const code = systemErrorCode(error);
    // What asks for a name longer than any finds nothing; a path that the kernel does not take hides something.
    if (code === "ENOTDIR" || (code === "ENAMETOOLONG" && full.length < PATH_MAX)) return undefined;
    throw unreadable(inside, error);
  }
}

/** limits.h: the longest path of a system call, its NUL included. */
const PATH_MAX = 4096;
const NO_XATTRS: readonly Xattr[] = [];

class DirectoryEntry implements ContextEntry {
  readonly type: Inode["type"];
  readonly uid = 0;
  readonly gid = 0;
  readonly xattrs = NO_XATTRS;
  readonly target: ByteString;
  readonly #full: string | Buffer;
  readonly #stats: Stats;
  readonly #digests: ContentDigests | undefined;

  constructor(full: string | Buffer, inside: ByteString, stats: Stats, digests: ContentDigests | undefined) {
    this.type = typeOf(stats, inside);
    this.target = this.type === "symlink" ? targetOf(full, inside) : "";
    this.#full = full;
    this.#stats = stats;
    this.#digests = digests;
  }

  get content(): Content {
    if (this.type !== "file") return EMPTY_CONTENT;
    return contentFrom(new ContextFile(this.#full, this.#stats), 0, this.#stats.size);
  }

  get mode(): number {
    return this.type === "symlink" ? 0o777 : this.#stats.mode & 0o1777;
  }

  get mtimeSeconds(): number {
    return Math.floor(this.#stats.mtimeMs / 1000);
  }

  get link(): string | undefined {
    const { dev, ino, nlink } = this.#stats;
    return this.type === "file" && nlink > 1 ? `${dev}:${ino}` : undefined;
  }

  /** Linux's dev_t: 12 bits of the major number above the low 8 of the minor, the rest of the minor above them. */
  get major(): number {
    return this.#isDevice ? (this.#stats.rdev >>> 8) & 0xfff : 0;
  }

  get minor(): number {
    return this.#isDevice ? (this.#stats.rdev & 0xff) | ((this.#stats.rdev >>> 12) & 0xfff00) : 0;
  }

  get #isDevice(): boolean {
    return this.type === "character" || this.type === "block";
  }

  digest(signal: AbortSignal): Promise<string> {
    if (this.#digests === undefined) return contentDigest(this.content, signal);
    return this.#digests.of(this.#stats, () => this.content, signal);
  }
}

function targetOf(full: string | Buffer, inside: ByteString): ByteString {
  try {
    return bytesToByteString(readlinkSync(full, { encoding: "buffer" }));
  } catch (error) {
    throw unreadable(inside, error);
  }
}

function typeOf(stats: Stats, inside: ByteString): Inode["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  if (stats.isCharacterDevice()) return "character";
  if (stats.isBlockDevice()) return "block";
  throw new BuildError("UNSUPPORTED", `cannot copy "${printable(inside)}": it is of a kind that no layer can hold`);
}

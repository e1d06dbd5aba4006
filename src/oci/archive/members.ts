// The members of a tar that is open for random access: where each one's bytes are. Compressed archives are refused: they
// have no random access.
import { byteStringToUtf8 } from "../../base/bytes/index.ts";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import { FileSource, readBytes } from "../../base/io/index.ts";
import { scanTar, TarError } from "../../formats/tar/index.ts";
import { entryPath, TreeError } from "../../tree/index.ts";
import { OciError } from "../error.ts";
import { streamSource } from "../layout/read-file.ts";

export interface Member {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** An archive file and its members by path. `transport` names it in messages: `oci-archive`. */
export class MemberFile implements Disposable {
  readonly description: string;
  readonly #source: FileSource;
  readonly #members: ReadonlyMap<string, Member>;

  private constructor(description: string, source: FileSource, members: ReadonlyMap<string, Member>) {
    this.description = description;
    this.#source = source;
    this.#members = members;
  }

  /** Throws OciError NOT_FOUND, BAD_LAYOUT; system errors pass through. */
  static async open(transport: string, path: string): Promise<MemberFile> {
    const source = openSource(path, transport);
    try {
      return new MemberFile(`${transport}:${path}`, source, await readMembers(source, transport));
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }

  find(path: string): Member | undefined {
    return this.#members.get(path);
  }

  stream(member: Member): AsyncGenerator<Uint8Array> {
    return streamSource(this.#source, member.offset, member.sizeBytes);
  }

  /** A small member whole. Throws OciError BAD_LAYOUT, LIMIT. */
  async readDocument(path: string, maxBytes: number): Promise<Uint8Array> {
    const member = this.find(path);
    if (member === undefined)
      throw new OciError("BAD_LAYOUT", `cannot read ${this.description}: the archive has no ${path}`);
    if (member.sizeBytes > maxBytes) {
      throw new OciError(
        "LIMIT",
        `cannot read ${path} of ${this.description}: ${member.sizeBytes} bytes, more than ${maxBytes}`,
      );
    }
    return readBytes(this.#source, member.offset, member.sizeBytes);
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
  }
}

function openSource(path: string, transport: string): FileSource {
  try {
    return FileSource.open(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw new OciError("NOT_FOUND", `cannot read ${path} as an ${transport}: there is no such file`, {
      cause: error,
      data: { path },
    });
  }
}

/** Old archives of docker save have links for layers that are there already: they stand for the file they lead to. */
async function readMembers(source: FileSource, transport: string): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  const links = new Map<string, string>();
  try {
    for (const entry of await scanTar(source)) {
      const path = byteStringToUtf8(entryPath(entry.path)) ?? "";
      const link = entry.type === "symlink" || entry.type === "hardlink" ? linkPath(path, entry) : undefined;
      if (link !== undefined) links.set(path, link);
      const span = entry.spans[0];
      // A sparse member has no bytes in one run; no writer of archives makes any.
      if (entry.type !== "file" || span === undefined || span.length !== entry.sizeBytes) continue;
      members.set(path, { offset: span.offset, sizeBytes: span.length });
    }
  } catch (error) {
    if (!(error instanceof TarError || error instanceof TreeError)) throw error;
    throw new OciError("BAD_LAYOUT", `cannot read ${source.path} as an ${transport}: ${messageOf(error)}`, {
      hint: "Decompress the archive first if it is compressed",
      cause: error,
      data: { path: source.path },
    });
  }
  for (const [path, target] of links) {
    const member = members.get(target);
    if (member !== undefined && !members.has(path)) members.set(path, member);
  }
  return members;
}

function linkPath(
  path: string,
  entry: { readonly type: string; readonly linkTarget?: string | undefined },
): string | undefined {
  const target = byteStringToUtf8(entry.linkTarget ?? "") ?? "";
  if (entry.type === "hardlink") return target;
  if (target.startsWith("/")) return undefined;
  const parts = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}

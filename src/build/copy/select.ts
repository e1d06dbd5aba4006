// What the sources of one COPY or ADD stand for: files under a name, trees under paths. The context alone decides.
import { type ByteString, printable, utf8ToByteString } from "../../base/bytes/index.ts";
import { type IgnoreRules, parseIgnoreFile } from "../containerfile/index.ts";
import { baseName } from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import { resolvePath } from "../resolve-path.ts";
import type { ContextEntry, ContextSource } from "./context.ts";
import { expandGlob, hasWildcards, matchable, MAX_ENTRIES, tooMany } from "./glob.ts";
import { nothingMatches } from "./not-found.ts";
import { assertPathLength, cleanPath, joinPath } from "./paths.ts";

/** Path below the destination. */
export interface Item {
  readonly path: ByteString;
  readonly entry: ContextEntry;
}

/**
 * A file goes under its name, or under the destination's; a tree's items always go below the destination; what is behind
 * a web address is known by its checksum before it is fetched.
 */
export type Pick =
  | {
      readonly kind: "file";
      readonly name: ByteString;
      readonly entry: ContextEntry;
      /** As written. */
      readonly source: string;
      /** Of the context: ADD unpacks it when it is an archive. */
      readonly isLocal: boolean;
    }
  | { readonly kind: "tree"; readonly items: readonly Item[] }
  | {
      readonly kind: "url";
      readonly name: ByteString;
      readonly checksum: string;
      readonly source: string;
      readonly fetch: () => Promise<ContextEntry>;
    };

export interface SelectOptions {
  readonly parents: boolean;
  readonly exclude: readonly string[];
  readonly signal: AbortSignal;
}

/** Nothing for a pattern with wildcards that matches nothing. Throws BuildError NOT_FOUND, LIMIT, UNSUPPORTED. */
export async function selectSource(source: ContextSource, pattern: string, options: SelectOptions): Promise<Pick[]> {
  return await new Selection(source, pattern, options).picks();
}

/** What to say of a source when nothing at all is selected. */
export async function nothingSelected(source: ContextSource, pattern: string): Promise<BuildError> {
  return nothingMatches(source, pattern, await expandGlob(source, pattern));
}

class Selection {
  readonly #source: ContextSource;
  readonly #pattern: string;
  readonly #options: SelectOptions;
  readonly #exclude: IgnoreRules | undefined;
  #count = 0;

  constructor(source: ContextSource, pattern: string, options: SelectOptions) {
    this.#source = source;
    this.#pattern = pattern;
    this.#options = options;
    if (options.exclude.length > 0)
      this.#exclude = parseIgnoreFile(Buffer.from(options.exclude.join("\n")), "--exclude");
  }

  async picks(): Promise<Pick[]> {
    const pivot = this.#options.parents ? pivotOf(this.#pattern) : 0;
    const matches = await expandGlob(this.#source, this.#pattern);
    const picks: Pick[] = [];
    for (const path of matches) {
      const pick = await this.#pick(path, pivot);
      if (pick !== undefined) picks.push(pick);
    }
    if (picks.length === 0 && !hasWildcards(this.#pattern))
      throw await nothingMatches(this.#source, this.#pattern, matches);
    return picks;
  }

  async #pick(path: ByteString, pivot: number): Promise<Pick | undefined> {
    const { path: real, node: entry } = await resolvePath((at) => this.#source.lstat(at), path);
    if (entry === undefined)
      throw new BuildError(
        "NOT_FOUND",
        `cannot copy "${printable(path)}" of ${this.#source.description}: it is a link to what is not in there`,
      );
    const isDirectory = entry.type === "directory";
    // What a link leads to may be hidden although the link is not.
    const hidden = [path, real].some((each) => each !== "" && this.#excludes(each, "", isDirectory));
    if (hidden && !(isDirectory && !this.#prunes(real, ""))) return undefined;
    if (entry.type === "socket")
      throw new BuildError("UNSUPPORTED", `cannot copy "${printable(path)}": it is a socket`);
    const source = this.#pattern;
    const items = isDirectory ? await this.#walk(real) : [];
    if (!this.#options.parents)
      return isDirectory
        ? { kind: "tree", items }
        : { kind: "file", name: baseName(path), entry, source, isLocal: true };
    const kept = path.split("/").slice(pivot).join("/");
    const below = items.map((item) => ({ ...item, path: joinPath(kept, item.path) }));
    const own = kept === "" ? [] : [{ path: kept, entry }];
    return { kind: "tree", items: [...(await this.#parents(path, pivot)), ...own, ...below] };
  }

  /** The directories on the way from the pivot to a match. */
  async #parents(path: ByteString, pivot: number): Promise<Item[]> {
    const names = path.split("/");
    const items: Item[] = [];
    for (let end = pivot + 1; end < names.length; end++) {
      const { node } = await resolvePath((at) => this.#source.lstat(at), names.slice(0, end).join("/"));
      if (node !== undefined) items.push({ path: names.slice(pivot, end).join("/"), entry: node });
    }
    return items;
  }

  /** All below a directory, parents first, names sorted; links are copied as links. */
  async #walk(top: ByteString): Promise<Item[]> {
    const items: Item[] = [];
    const pending: ByteString[] = [""];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const full = joinPath(top, path);
      assertPathLength(full);
      const entry = await this.#source.lstat(full);
      // It went away while the context was read.
      if (entry === undefined) continue;
      const isDirectory = entry.type === "directory";
      if (path !== "" && entry.type !== "socket" && !this.#excludes(full, path, isDirectory)) {
        if (++this.#count > MAX_ENTRIES) throw tooMany(this.#pattern);
        items.push({ path, entry });
      }
      if (!isDirectory || (path !== "" && this.#prunes(full, path))) continue;
      this.#options.signal.throwIfAborted();
      const names = await this.#source.names(full);
      for (let index = names.length - 1; index >= 0; index--) pending.push(joinPath(path, names[index] as ByteString));
    }
    return items;
  }

  /** --exclude patterns are held against the path in the context and against that in the source directory. */
  #excludes(full: ByteString, inSource: ByteString, isDirectory: boolean): boolean {
    if (this.#source.excludes(full, isDirectory)) return true;
    const rules = this.#exclude;
    if (rules === undefined) return false;
    return (
      rules.excludes(matchable(full), isDirectory) ||
      (inSource !== "" && rules.excludes(matchable(inSource), isDirectory))
    );
  }

  #prunes(full: ByteString, inSource: ByteString): boolean {
    if (this.#source.prunes(full)) return true;
    const rules = this.#exclude;
    return (
      rules !== undefined && (rules.prunes(matchable(full)) || (inSource !== "" && rules.prunes(matchable(inSource))))
    );
  }
}

/** How many names stand before "/./": those are not kept by --parents. */
function pivotOf(pattern: string): number {
  const at = pattern.startsWith("./") ? -1 : pattern.indexOf("/./");
  if (at < 0) return 0;
  const before = cleanPath(pattern.slice(0, at));
  if (before.split("/").includes("**"))
    throw new BuildError("UNSUPPORTED", `cannot copy "${pattern}" with --parents: "**" stands before "/./"`, {
      hint: "Name the directories before /./, or use * for each of them",
    });
  return before === "" ? 0 : before.split("/").length;
}

/** The name that an instruction gives something, as bytes. */
export function nameOf(text: string): ByteString {
  return baseName(cleanPath(utf8ToByteString(text)));
}

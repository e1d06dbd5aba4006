/**
 * The imports of every file below src/, read with regular expressions: our style (one `import … from "…";` statement,
 * `export … from`, `import("…")` with a literal) needs no parser. Comments are blanked first, so that examples in them do not count.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

export interface Import {
  /** `src/ostree/commit.ts` */
  readonly from: string;
  /** `ostree`; `main.ts` for the entry. */
  readonly fromArea: string;
  readonly line: number;
  readonly specifier: string;
  /** `import { type A }` is static: Node still loads the file. */
  readonly kind: "static" | "type" | "dynamic";
  /** The file, relative to the repository, when the specifier is relative. */
  readonly to: string | undefined;
  readonly toArea: string | undefined;
  readonly exists: boolean;
}

export interface SourceFile {
  readonly file: string;
  readonly area: string;
  readonly imports: readonly Import[];
}

const root = dirname(dirname(import.meta.dirname));

const STATEMENT =
  /(?<=^|;|\n)\s*(?:import|export)\s+(?<type>type\s)?[\w*\s{},$]*?\s*from\s*["'](?<from>[^"']+)["']|(?<=^|;|\n)\s*import\s*["'](?<bare>[^"']+)["']|\bimport\(\s*["'](?<dynamic>[^"']+)["']\s*[,)]/g;

export function readSources(): SourceFile[] {
  return readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => posix.relative(root, join(entry.parentPath, entry.name)))
    .sort()
    .map((file) => ({
      file,
      area: areaOf(file) ?? "",
      imports: importsOf(file, readFileSync(join(root, file), "utf8")),
    }));
}

/** Every import that is run or bundled eagerly when `entry` is loaded. */
export function entryGraph(sources: readonly SourceFile[], entry: string): Import[] {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const seen = new Set<string>();
  const found: Import[] = [];
  const pending = [entry];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const each of byFile.get(file)?.imports ?? []) {
      if (each.kind !== "static") continue;
      found.push(each);
      if (each.to !== undefined) pending.push(each.to);
    }
  }
  return found;
}

export function importsOf(file: string, text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<=^|[\s;{}(,])\/\/[^\n]*/g, (comment) =>
    comment.replace(/[^\n]/g, " "),
  );
  return Array.from(code.matchAll(STATEMENT), (match) => {
    const groups = match.groups ?? {};
    const specifier = groups["from"] ?? groups["bare"] ?? groups["dynamic"] ?? "";
    const to = specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(file), specifier)) : undefined;
    return {
      from: file,
      fromArea: areaOf(file) ?? "",
      line: code.slice(0, match.index + match[0].length).split("\n").length,
      specifier,
      kind: groups["dynamic"] !== undefined ? "dynamic" : groups["type"] !== undefined ? "type" : "static",
      to,
      toArea: to === undefined ? undefined : areaOf(to),
      exists: to !== undefined && existsSync(join(root, to)),
    };
  });
}

/** `src/ostree/commit.ts` → `ostree`; `src/main.ts` → `main.ts`; undefined outside src/. */
function areaOf(file: string): string | undefined {
  const [top, area] = file.split("/");
  return top === "src" ? area : undefined;
}

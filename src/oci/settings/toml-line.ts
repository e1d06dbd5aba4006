// The line on which a key of a TOML file stands, for messages: the parser gives values without places. It knows tables,
// arrays of tables and bare or quoted keys; for anything more unusual it says the line of the table, or nothing.

/** `registry[1].mirror[0].location`, `aliases."name"`, `short-name-mode` → 1-based line. */
export function lineOfKey(text: string, key: string): number | undefined {
  const parts = /^(?:(.*)\.)?("(?:[^"\\]|\\.)*"|[^."]+)$/.exec(key);
  const table = parts?.[1] ?? "";
  const last = unquote((parts?.[2] ?? "").replace(/\[\d+\]$/, ""));
  const counts = new Map<string, number>();
  let current = "";
  let tableLine: number | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const header = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/.exec(line);
    if (header !== null) {
      current = place(header[2] ?? "", header[1] === "[[", counts);
      if (current === table || (table === "" && current.replace(/\[\d+\]$/, "") === last)) tableLine ??= index + 1;
    } else if (current === table && keyOf(line) === last) return index + 1;
  }
  return tableLine;
}

/** The name of a table with the number of each of its arrays. */
function place(name: string, isArray: boolean, counts: Map<string, number>): string {
  const names = name.split(".").map((part) => unquote(part.trim()));
  let path = "";
  for (const [depth, part] of names.entries()) {
    path = path === "" ? part : `${path}.${part}`;
    const isLast = depth === names.length - 1;
    const count = (counts.get(path) ?? -1) + (isArray && isLast ? 1 : 0);
    if (isArray && isLast) counts.set(path, count);
    if (count >= 0) path += `[${count}]`;
  }
  return path;
}

function keyOf(line: string): string | undefined {
  const match = /^\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*=/.exec(line);
  return match?.[1] === undefined ? undefined : unquote(match[1]);
}

function unquote(text: string): string {
  return /^(["']).*\1$/.test(text) ? text.slice(1, -1) : text;
}

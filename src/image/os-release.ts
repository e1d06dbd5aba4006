// os-release(5): shell-like assignments, no expansion.

/** Variables in file order; a later one wins. Lines that are not assignments are ignored, as systemd does. */
export function parseOsRelease(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match?.[1] !== undefined) variables.set(match[1], unquote(match[2] ?? ""));
  }
  return variables;
}

function unquote(value: string): string {
  const quote = value[0];
  if (value.length >= 2 && (quote === '"' || quote === "'") && value.endsWith(quote)) {
    const inner = value.slice(1, -1);
    return quote === "'" ? inner : inner.replace(/\\(["\\$`])/g, "$1");
  }
  return value.replace(/\\(.)/g, "$1");
}

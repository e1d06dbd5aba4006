// JSON for what decides about trust: a name that comes twice in one object is refused, since readers differ in which of
// the two they believe (RFC 8259 section 4).
import { messageOf } from "../../base/errors.ts";
import { parseJson } from "../../base/json.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
/** Strings and the four characters that open and close; everything else does not matter here. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]/g;

/** Throws SyntaxError. */
export function parseStrictJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw new SyntaxError(`it is not UTF-8 (${messageOf(cause)})`, { cause });
  }
  const value = parseJson(text);
  assertNoDuplicates(text);
  return value;
}

/** For a text that JSON.parse has accepted. */
function assertNoDuplicates(text: string): void {
  // The names seen in each open object; undefined for lists.
  const open: (Set<string> | undefined)[] = [];
  let previous = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":") {
      const name = JSON.parse(previous) as string;
      const names = open.at(-1);
      if (names?.has(name) === true) throw new SyntaxError(`it has ${JSON.stringify(name)} twice in one object`);
      names?.add(name);
    }
    previous = token;
  }
}

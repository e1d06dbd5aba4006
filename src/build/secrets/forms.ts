// What a secret may look like where it leaked: its bytes, base64 (RFC 4648 sections 4 and 5) and percent-encoding (RFC 3986
// section 2.1). Values are searched whole and line by line; other transformations (hex, compression, encryption, reversal)
// are not known here and cannot be found.
import { MIN_SEARCHED_BYTES, type Secret } from "./secret.ts";

export type Form = "raw" | "base64" | "base64url" | "percent";

export interface Pattern {
  readonly bytes: Uint8Array;
  readonly secret: string;
  readonly form: Form;
  /** Line breaks may stand within: base64 is folded at 60 to 76 characters. */
  readonly folds: boolean;
}

/** A longer value is searched in pieces: so much of it is a leak already, and no search has to look further back. */
const PIECE_BYTES = 1024;
const MAX_LINES = 10_000;

/** Every pattern of every secret, each byte string once. */
export function patternsOf(secrets: readonly Secret[]): Pattern[] {
  const patterns = new Map<string, Pattern>();
  for (const secret of secrets) {
    for (const value of valuesOf(secret.bytes)) {
      for (const [form, text] of formsOf(value)) {
        const folds = form === "base64" || form === "base64url";
        const bytes = Buffer.from(text, "latin1");
        if (!patterns.has(text)) patterns.set(text, { bytes, secret: secret.id, form, folds });
      }
    }
  }
  return [...patterns.values()];
}

/** As byte strings: the pieces of the whole value, then its telling lines. */
function* valuesOf(bytes: Uint8Array): Generator<string> {
  const whole = Buffer.from(bytes)
    .toString("latin1")
    .replace(/[\r\n]+$/, "");
  yield* piecesOf(whole);
  const lines = whole.split(/\r?\n/, MAX_LINES + 1);
  if (lines.length === 1 || whole.includes("\0")) return;
  for (const line of lines.slice(0, MAX_LINES)) yield* piecesOf(tellingPart(line));
}

function* piecesOf(value: string): Generator<string> {
  for (let at = 0; value.length - at >= MIN_SEARCHED_BYTES;) {
    // A last piece that would be too short to be searched joins the one before.
    const rest = value.length - at;
    const length = rest < PIECE_BYTES + MIN_SEARCHED_BYTES ? rest : PIECE_BYTES;
    yield value.slice(at, at + length);
    at += length;
  }
}

const ARMOUR = /^-----(?:BEGIN|END) [A-Z0-9 ]+-----$/;
const ASSIGNMENT = /^[\s"'{,-]*[\w.-]+["']?\s*[=:]\s*(.*)$/;

/**
 * What of a single line gives a secret away. Every certificate has `-----BEGIN CERTIFICATE-----`, every repository file
 * `enabled = 1`: of an assignment only the value counts, and only when it looks like one that was made up.
 */
function tellingPart(line: string): string {
  const text = line.trim();
  if (ARMOUR.test(text) || /^[[#;]/.test(text)) return "";
  const value = ASSIGNMENT.exec(text)?.[1];
  if (value === undefined) return text;
  const bare = value.replace(/^["']|["']?,?$/g, "");
  const tokens = bare.match(/[A-Za-z0-9+=!@#$%^&*?~]{8,}/g) ?? [];
  return tokens.some((token) => /[A-Za-z]/.test(token) && /\d/.test(token)) ? bare : "";
}

function* formsOf(value: string): Generator<readonly [Form, string]> {
  yield ["raw", value];
  const bytes = Buffer.from(value, "latin1");
  // Whole first, so that a mask covers the last character too; then what any text around it leaves the same.
  for (const text of [
    bytes.toString("base64").replaceAll("=", ""),
    ...[0, 1, 2].map((at) => alignedBase64(bytes, at)),
  ]) {
    yield ["base64", text];
    yield ["base64url", text.replaceAll("+", "-").replaceAll("/", "_")];
  }
  if (/^[\w.-]*$/.test(value)) return;
  for (const table of PERCENT_TABLES) {
    const text = percentEncode(value, table);
    yield ["percent", text];
    if (text.includes("%20")) yield ["percent", text.replaceAll("%20", "+")];
  }
}

/** The characters of base64 that the bytes alone decide when `before` bytes (modulo 3) stand before them. */
function alignedBase64(bytes: Uint8Array, before: number): string {
  const text = Buffer.concat([new Uint8Array(before), bytes])
    .toString("base64")
    .replaceAll("=", "");
  const mixedAtEnd = (before + bytes.length) % 3 === 0 ? 0 : 1;
  return text.slice(Math.ceil((before * 8) / 6), text.length - mixedAtEnd);
}

/** What encoders leave as it is: RFC 3986; ECMAScript's encodeURIComponent; those that keep paths; HTML forms. */
const UNRESERVED: readonly RegExp[] = [/[\w.~-]/, /[\w.~!'()*-]/, /[\w.~/-]/, /[\w.*-]/];

/** For each byte what it becomes, in upper and lower case. */
const PERCENT_TABLES: readonly (readonly string[])[] = UNRESERVED.flatMap((unreserved) =>
  [(hex: string) => hex.toUpperCase(), (hex: string) => hex].map((letterCase) =>
    Array.from({ length: 256 }, (_, byte) => {
      const character = String.fromCharCode(byte);
      return unreserved.test(character) ? character : `%${letterCase(byte.toString(16).padStart(2, "0"))}`;
    }),
  ),
);

function percentEncode(value: string, table: readonly string[]): string {
  let text = "";
  for (let at = 0; at < value.length; at++) text += table[value.charCodeAt(at)];
  return text;
}

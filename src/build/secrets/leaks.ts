// Searches what a step left behind for secrets: contents, names, link targets and extended attributes of files, and the
// documents of an image. Files stream through one window; what is compressed or encrypted cannot be seen through.
import {
  type ByteString,
  byteStringToBytes,
  bytesToByteString,
  concatBytes,
  printable,
  utf8ToByteString,
} from "../../base/bytes/index.ts";
import { type Content, dataRuns, readContent } from "../../base/io/index.ts";
import type { LayerEntry } from "../../tree/index.ts";
import { BuildError } from "../error.ts";
import type { Form } from "./forms.ts";
import { Mask } from "./mask.ts";
import { type Search, searchFor } from "./search.ts";
import type { Secret } from "./secret.ts";

export interface Leak {
  /** Of the file, a secret in it masked; in a config the place within the document: `history[3].created_by`. */
  readonly path: ByteString;
  readonly where: "content" | "name" | "xattr" | "link" | "config";
  /** The secret's id. */
  readonly secret: string;
  readonly form: Form;
}

const WINDOW_BYTES = 1024 * 1024;
/** More of them would tell nobody anything. */
const MAX_LEAKS = 100;

/** One for each secret at each place; the first hundred. Throws what reading the contents throws. */
export async function findLeaks(entries: Iterable<LayerEntry>, secrets: readonly Secret[]): Promise<readonly Leak[]> {
  const search = searchFor(secrets);
  if (search.isEmpty) return [];
  const leaks = new Leaks(search, secrets);
  const window = new Uint8Array(WINDOW_BYTES + search.maxSpanBytes);
  for (const entry of entries) {
    leaks.look(byteStringToBytes(entry.path), entry.path, "name");
    if (entry.target !== "") leaks.look(byteStringToBytes(entry.target), entry.path, "link");
    for (const { name, value } of entry.xattrs) {
      leaks.look(byteStringToBytes(name), entry.path, "xattr");
      leaks.look(value, entry.path, "xattr");
    }
    for await (const bytes of windowsOf(entry.content, window, search.maxSpanBytes)) {
      leaks.look(bytes, entry.path, "content");
    }
    if (leaks.found.length >= MAX_LEAKS) break;
  }
  return leaks.found;
}

/** In an image's config (environment, labels, history …), its manifest or another JSON document. */
export function findConfigLeaks(document: Uint8Array, secrets: readonly Secret[]): readonly Leak[] {
  const search = searchFor(secrets);
  if (search.isEmpty) return [];
  const leaks = new Leaks(search, secrets);
  for (const [path, text] of stringsOf(JSON.parse(Buffer.from(document).toString("utf8")), "")) {
    leaks.look(Buffer.from(text, "utf8"), utf8ToByteString(path), "config");
  }
  return leaks.found;
}

/** Throws BuildError SECRET_LEAKED that names the first places. `what` is kept back: `the layer of RUN make`. */
export function assertNoLeaks(leaks: readonly Leak[], what: string): void {
  const [first] = leaks;
  if (first === undefined) return;
  const places = leaks.slice(0, 5).map(({ path, where, secret, form }) => {
    const how = form === "raw" ? "" : `, as ${form}`;
    return `secret ${JSON.stringify(secret)} in ${WHERE[where]}${printable(path)}${how}`;
  });
  const more = leaks.length > places.length ? ` and ${leaks.length - places.length} more` : "";
  throw new BuildError("SECRET_LEAKED", `cannot keep ${what}: it holds ${places.join("; ")}${more}`, {
    hint: "Let the program read the secret from its mount, and remove in the same step what it wrote down",
    data: { secret: first.secret, where: first.where, path: printable(first.path) },
  });
}

const WHERE = {
  content: "/",
  name: "the name /",
  xattr: "an attribute of /",
  link: "the link /",
  config: "the image's config at ",
} as const;

class Leaks {
  readonly found: Leak[] = [];
  readonly #search: Search;
  readonly #secrets: readonly Secret[];

  constructor(search: Search, secrets: readonly Secret[]) {
    this.#search = search;
    this.#secrets = secrets;
  }

  look(bytes: Uint8Array, path: ByteString, where: Leak["where"]): void {
    this.#search.find(bytes, (_start, _end, { secret, form }) => {
      const shown = this.#masked(path);
      const isKnown = this.found.some((leak) => leak.path === shown && leak.where === where && leak.secret === secret);
      if (!isKnown) this.found.push({ path: shown, where, secret, form });
    });
  }

  #masked(path: ByteString): ByteString {
    const mask = new Mask(this.#secrets);
    return bytesToByteString(concatBytes([mask.push(byteStringToBytes(path)), mask.flush()]));
  }
}

/** Overlapping, so that nothing falls between two; holes are left out. The bytes are those of `window`: valid until the next. */
async function* windowsOf(content: Content, window: Uint8Array, overlapBytes: number): AsyncGenerator<Uint8Array> {
  for (const run of dataRuns(content, 1)) {
    let kept = 0;
    for (let at = run.at; at < run.at + run.length;) {
      const length = Math.min(window.length - kept, run.at + run.length - at);
      await readContent(content, at, window.subarray(kept, kept + length));
      at += length;
      yield window.subarray(0, kept + length);
      const keep = Math.min(overlapBytes - 1, kept + length);
      window.copyWithin(0, kept + length - keep, kept + length);
      kept = keep;
    }
  }
}

/** Every string of a JSON value, keys included, with where it is. */
function* stringsOf(value: unknown, path: string): Generator<readonly [path: string, text: string]> {
  if (typeof value === "string") yield [path, value];
  else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* stringsOf(item, `${path}[${index}]`);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      yield [path, key];
      yield* stringsOf(item, path === "" ? key : `${path}.${key}`);
    }
  }
}

// Lists in pages (distribution-spec "Listing Tags", RFC 8288): `n` at most, those after `last`, and a link to what follows.
import { RequestError } from "../error.ts";

const MAX_PAGE = 10_000;

export interface Page<T> {
  readonly items: readonly T[];
  readonly headers: Readonly<Record<string, string>>;
}

/** A page of a sorted list. Throws UNSUPPORTED (400) for an `n` that is no number. */
export function pageOf<T extends string>(sorted: readonly T[], query: URLSearchParams, path: string): Page<T> {
  const limit = Math.min(readCount(query.get("n")), MAX_PAGE);
  const last = query.get("last") ?? "";
  const rest = last === "" ? sorted : sorted.filter((item) => item > last);
  const items = rest.slice(0, limit);
  const end = items.at(-1);
  if (end === undefined || items.length === rest.length) return { items, headers: {} };
  return { items, headers: nextLink(path, { n: String(limit), last: end }) };
}

export function nextLink(path: string, query: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return { Link: `<${path}?${new URLSearchParams(query).toString()}>; rel="next"` };
}

function readCount(text: string | null): number {
  if (text === null || text === "") return MAX_PAGE;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RequestError("UNSUPPORTED", "cannot read n: want a number", { status: 400 });
}

// Lists that come in pages (distribution-spec "Listing Tags"; RFC 8288 Link headers), and what the pages hold. Refused:
// pages on other hosts, more pages or items than the caps, pages that lead back to themselves.
import { OciError } from "../error.ts";
import { asArray, asString, at, parseJsonObject } from "../json.ts";
import { MAX_DOCUMENT_BYTES, MAX_PAGES, MAX_TAGS } from "./limits.ts";
import { readDocument } from "./read-body.ts";
import { checkTag, type RemoteRepository } from "./repository.ts";
import type { Answer } from "./transport.ts";

export interface Page {
  readonly bytes: Uint8Array;
  readonly answer: Answer;
}

/** Each page of a list, from the one at `path` on. */
export async function* readPages(
  repository: RemoteRepository,
  path: string,
  attempt: string,
  accept: string,
): AsyncGenerator<Page> {
  let next: string | URL = path;
  const seen = new Set<string>();
  for (let count = 0; count < MAX_PAGES; count++) {
    const answer = await repository.request({ method: "GET", path: next, headers: { accept }, expect: [200], attempt });
    const bytes = await readDocument(answer, MAX_DOCUMENT_BYTES, repository.context.limits);
    yield { bytes, answer };
    const target = nextLink(answer.headers["link"]);
    if (target === undefined) return;
    next = repository.addressOf(answer, target);
    if (next.origin !== answer.url.origin)
      throw repository.badResponse(attempt, `goes on at another host: ${next.origin}`);
    if (seen.has(next.href)) throw repository.badResponse(attempt, "sends the same page again");
    seen.add(next.href);
  }
  throw new OciError("LIMIT", `cannot ${attempt}: more than ${MAX_PAGES} pages`);
}

/** The target of the link whose relation is `next`. */
export function nextLink(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header.join(",") : (header ?? "");
  for (const [, target, parameters = ""] of text.slice(0, 8192).matchAll(/<([^>]*)>((?:\s*;\s*[^,;<]*)*)/g))
    if (/;\s*rel\s*=\s*"?next"?\s*(;|$)/i.test(parameters)) return target;
  return undefined;
}

/** Throws OciError NOT_FOUND for an unknown repository. */
export async function* readTags(repository: RemoteRepository): AsyncGenerator<string> {
  const attempt = `list the tags of ${repository.description}`;
  let count = 0;
  for await (const { bytes } of readPages(repository, "tags/list", attempt, "application/json")) {
    const document = `the tags of ${repository.description}`;
    const place = { document, path: "tags" };
    // Null stands for no tags: Go writes empty lists so.
    const tags = parseJsonObject(bytes, document)["tags"] ?? [];
    for (const [index, tag] of asArray(tags, place, MAX_TAGS).entries()) {
      if (++count > MAX_TAGS) throw new OciError("LIMIT", `cannot ${attempt}: more than ${MAX_TAGS}`);
      yield checkTag(asString(tag, at(place, index)));
    }
  }
}

// Redirects (RFC 9110 section 15.4) of GET and HEAD, as registries send them to their blob storage. Credentials stay with
// the host they were meant for. Refused: more than five, from https down to http, of requests that change something.
import { badResponse, type RegistryError } from "./error.ts";
import { MAX_REDIRECTS } from "./limits.ts";
import { describeUrl, parseHttpUrl } from "./origin.ts";
import { discard } from "./read-body.ts";
import type { Answer, Exchange, Transport } from "./transport.ts";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export async function sendFollowing(transport: Transport, exchange: Exchange): Promise<Answer> {
  let current = exchange;
  for (let hops = 0; ; hops++) {
    const answer = await transport.send(current);
    if (!REDIRECTS.has(answer.status)) return answer;
    discard(answer);
    if (hops === MAX_REDIRECTS) throw badRedirect(current, `it redirects more than ${MAX_REDIRECTS} times`);
    current = redirected(current, answer.headers.location);
  }
}

function redirected(from: Exchange, location: string | undefined): Exchange {
  if (from.method !== "GET" && from.method !== "HEAD")
    throw badRedirect(from, `it redirects a ${from.method}, which cannot be repeated elsewhere`);
  const url = parseHttpUrl(location, from.url);
  if (url === undefined) throw badRedirect(from, "it redirects to no HTTP address");
  if (from.url.protocol === "https:" && url.protocol === "http:")
    throw badRedirect(from, `it redirects to ${describeUrl(url)}, which is not encrypted`);
  url.username = "";
  url.password = "";
  if (url.origin === from.url.origin) return { ...from, url };
  const { authorization: _, ...headers } = from.headers;
  return {
    ...from,
    url,
    headers,
    registry: url.host,
    insecure: from.insecure && url.hostname === from.url.hostname,
  };
}

function badRedirect({ attempt, url }: Exchange, found: string): RegistryError {
  return badResponse(attempt, url.host, `cannot be followed: ${found}`);
}

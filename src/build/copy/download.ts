// ADD of a web address: fetched into a scratch file, held against its checksum. Proxies are those of the environment,
// authorities those of the system. Capped: redirects, size, the time without a byte. Refused: a redirect from https to
// http, unless a checksum says what has to come.
import { createHash } from "node:crypto";
import type { Agent, IncomingMessage, request as Request } from "node:http";
import type { ByteString } from "../../base/bytes/index.ts";
import { messageOf } from "../../base/errors.ts";
import { AtomicFile } from "../../base/io/index.ts";
import { formatSize } from "../../base/size.ts";
import { hashBytes } from "../../base/stream/index.ts";
import { BuildError } from "../error.ts";
import { scratchContent } from "./context-file.ts";
import { type ContextEntry, fileEntry } from "./context.ts";
import { nameInDisposition } from "./url.ts";

const MAX_REDIRECTS = 10;
const IDLE_MS = 60_000;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export const MAX_DOWNLOAD_BYTES: number = 16 * 1024 ** 3;

export interface Download {
  readonly entry: ContextEntry;
  /** What the server calls it. */
  readonly name: ByteString | undefined;
}

export interface DownloadOptions {
  /** SHA-256 in hexadecimal. */
  readonly checksum?: string;
  /** Where it goes. */
  readonly path: string;
  readonly signal: AbortSignal;
  readonly maxBytes?: number;
}

/** Throws BuildError NOT_FOUND, CHECKSUM, LIMIT, BAD_VALUE. */
export async function download(url: URL, options: DownloadOptions): Promise<Download> {
  const response = await follow(url, options);
  const maxBytes = options.maxBytes ?? MAX_DOWNLOAD_BYTES;
  const sum = createHash("sha256");
  try {
    await using file = await AtomicFile.create(options.path, { mode: 0o600 });
    const body = whole(response, url, maxBytes);
    await file.writeStream(hashBytes(body, sum));
    const digest = sum.digest("hex");
    if (options.checksum !== undefined && digest !== options.checksum) throw badChecksum(url, digest, options.checksum);
    await file.commit({ sync: false });
    const name = nameInDisposition(response.headers["content-disposition"]);
    const facts = { mode: 0o600, mtimeSeconds: lastModified(response), content: scratchContent(options.path) };
    return { name, entry: fileEntry(facts, digest) };
  } catch (error) {
    if (error instanceof BuildError || options.signal.aborted) throw error;
    throw failed(url, messageOf(error), error);
  } finally {
    response.destroy();
  }
}

async function follow(start: URL, options: DownloadOptions): Promise<IncomingMessage> {
  let url = start;
  for (let hops = 0; ; hops++) {
    const response = await get(url, options.signal);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    response.destroy();
    if (!REDIRECTS.has(status))
      throw failed(start, `the server answers ${status} ${response.statusMessage ?? ""}`.trim());
    if (hops === MAX_REDIRECTS) throw failed(start, `it is redirected more than ${MAX_REDIRECTS} times`);
    const { location } = response.headers;
    const next = location === undefined ? null : URL.parse(location, url.href);
    if (next === null || !/^https?:$/.test(next.protocol)) throw failed(start, "it is redirected to no web address");
    if (url.protocol === "https:" && next.protocol === "http:" && options.checksum === undefined)
      throw failed(
        start,
        `it is redirected to ${next.origin}, which is not encrypted`,
        undefined,
        "Add --checksum=sha256:…",
      );
    url = next;
  }
}

async function get(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const { agent, request } = await client(url);
  return await new Promise((resolve, reject) => {
    const sent = request(url, { agent, signal, headers: { "user-agent": "slipway", accept: "*/*" } }, resolve);
    sent.setTimeout(IDLE_MS, () => sent.destroy(new Error(`nothing came for ${IDLE_MS / 1000} s`)));
    sent.on("error", (error) => reject(signal.aborted ? error : failed(url, messageOf(error), error)));
    sent.end();
  });
}

async function client(url: URL): Promise<{ agent: Agent; request: typeof Request }> {
  const options = { proxyEnv: process.env };
  if (url.protocol === "http:") {
    const http = await import("node:http");
    return { agent: new http.Agent(options), request: http.request };
  }
  const [https, { getCACertificates }] = await Promise.all([import("node:https"), import("node:tls")]);
  const ca = [...getCACertificates("default"), ...getCACertificates("system")];
  return { agent: new https.Agent({ ...options, ca }), request: https.request };
}

async function* whole(response: IncomingMessage, url: URL, maxBytes: number): AsyncGenerator<Uint8Array> {
  const announced = response.headers["content-length"];
  if (announced !== undefined && Number(announced) > maxBytes) throw tooLarge(url, maxBytes);
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(url, maxBytes);
    yield chunk;
  }
  if (!response.complete) throw failed(url, `the answer breaks off after ${bytes} bytes`);
}

/** The epoch where the server does not say, as docker and buildah have it. */
function lastModified(response: IncomingMessage): number {
  const time = Date.parse(response.headers["last-modified"] ?? "");
  return Number.isNaN(time) ? 0 : Math.floor(time / 1000);
}

function tooLarge(url: URL, maxBytes: number): BuildError {
  return new BuildError("LIMIT", `cannot ADD ${shown(url)}: it is larger than ${formatSize(maxBytes)}`);
}

function badChecksum(url: URL, found: string, wanted: string): BuildError {
  return new BuildError("CHECKSUM", `cannot ADD ${shown(url)}: its digest is sha256:${found}, want sha256:${wanted}`, {
    hint: "Find out why it changed before you change --checksum",
  });
}

function failed(url: URL, found: string, cause?: unknown, hint?: string): BuildError {
  return new BuildError("NOT_FOUND", `cannot ADD ${shown(url)}: ${found}`, {
    ...(cause === undefined ? {} : { cause }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** Without what may be a secret. */
function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

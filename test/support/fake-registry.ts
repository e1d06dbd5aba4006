/**
 * A registry in memory, small and obedient, for tests of clients: blobs with upload sessions, manifests, tags, referrers,
 * and the token dance. A test makes it lie through `intercept`, which sees each request first.
 */
import { createHash } from "node:crypto";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

export interface FakeRegistryOptions {
  /** Basic for the registry itself, bearer with a token service beside it. */
  readonly auth?: "basic" | "bearer";
  readonly tokenLifeS?: number;
  /** Without it the referrers API is 404 and clients keep the tag schema. */
  readonly hasReferrers?: boolean;
  readonly pageSize?: number;
  /** PEM; plain HTTP without. */
  readonly tls?: { cert: string; key: string; ca?: string; requestCert?: boolean };
}

/** True when the request has been answered, or is going to be. */
export type Intercept = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

interface StoredManifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export const USERNAME = "ann";
export const PASSWORD = "s3cret: with colon";
export const IDENTITY_TOKEN = "refresh-me";

export class FakeRegistry implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  readonly blobs: Map<string, Buffer> = new Map();
  readonly manifests: Map<string, StoredManifest> = new Map();
  readonly tags: Map<string, string> = new Map();
  /** What has arrived of each upload. */
  readonly uploads: Map<string, Buffer[]> = new Map();
  readonly tokens: Map<string, string> = new Map();
  /** That carried HTTP. */
  connections = 0;
  intercept: Intercept = () => false;
  readonly #options: FakeRegistryOptions;
  readonly #server: Server;
  readonly #sockets = new WeakSet<object>();
  #count = 0;

  private constructor(options: FakeRegistryOptions) {
    this.#options = options;
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      if (!this.#sockets.has(request.socket)) this.connections++;
      this.#sockets.add(request.socket);
      this.seen.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers });
      this.#handle(request, response).catch(() => response.destroy());
    };
    this.#server = options.tls === undefined ? createServer(answer) : createSecureServer(options.tls, answer);
  }

  static async start(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
    const registry = new FakeRegistry(options);
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    return registry;
  }

  /** `127.0.0.1:PORT`. */
  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Requests as `GET /v2/…`, without the version check. */
  get log(): readonly string[] {
    return this.seen.map(({ method, url }) => `${method} ${url}`).filter((line) => line !== "GET /v2/");
  }

  addBlob(bytes: Buffer): string {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await this.intercept(request, response)) return;
    const url = new URL(request.url ?? "", `http://${this.host}`);
    if (url.pathname === "/token") return this.#token(request, response, url);
    if (!this.#isAllowed(request)) return this.#challenge(response, url);
    const [, name = "", kind = "", rest = ""] =
      /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests|tags|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    switch (kind) {
      case "":
        return send(response, 200, {}, "{}");
      case "blobs/uploads":
        return this.#upload(request, response, url, name, rest);
      case "blobs":
        return this.#blob(request, response, rest);
      case "manifests":
        return this.#manifest(request, response, rest);
      case "tags":
        return this.#tagList(response, url, name);
      default:
        return this.#referrers(response, rest);
    }
  }

  #isAllowed({ headers }: IncomingMessage): boolean {
    const [scheme, value = ""] = (headers.authorization ?? "").split(" ");
    if (this.#options.auth === undefined) return true;
    if (this.#options.auth === "bearer") return scheme === "Bearer" && this.tokens.has(value);
    return scheme === "Basic" && Buffer.from(value, "base64").toString() === `${USERNAME}:${PASSWORD}`;
  }

  #challenge(response: ServerResponse, url: URL): void {
    const name = /^\/v2\/(.+?)\/(?:blobs|manifests|tags|referrers)\//.exec(url.pathname)?.[1];
    const scope = name === undefined ? "" : `,scope="repository:${name}:pull"`;
    const bearer = `Bearer realm="http://${this.host}/token",service="fake"${scope}`;
    const header = this.#options.auth === "basic" ? 'Basic realm="fake"' : bearer;
    sendError(response, 401, "UNAUTHORIZED", "authentication required", { "www-authenticate": header });
  }

  async #token(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const form = new URLSearchParams((await readAll(request)).toString());
    const basic = Buffer.from((request.headers.authorization ?? " ").split(" ")[1] ?? "", "base64").toString();
    const isKnown = basic === `${USERNAME}:${PASSWORD}` || form.get("refresh_token") === IDENTITY_TOKEN;
    if (!isKnown) return sendError(response, 401, "UNAUTHORIZED", "wrong password");
    const token = `token-${++this.#count}`;
    this.tokens.set(token, form.get("scope") ?? url.searchParams.getAll("scope").join(" "));
    send(response, 200, {}, JSON.stringify({ token, expires_in: this.#options.tokenLifeS ?? 300 }));
  }

  async #upload(request: IncomingMessage, response: ServerResponse, url: URL, name: string, id: string): Promise<void> {
    const mount = url.searchParams.get("mount");
    if (request.method === "POST" && mount !== null && this.blobs.has(mount)) return send(response, 201);
    const held = this.uploads.get(id);
    if (request.method === "POST") {
      const next = `upload-${++this.#count}`;
      this.uploads.set(next, []);
      return send(response, 202, { location: `/v2/${name}/blobs/uploads/${next}?state=a%2Fb` });
    }
    if (held === undefined) return sendError(response, 404, "BLOB_UPLOAD_UNKNOWN", "no such upload");
    const location = `http://${this.host}/v2/${name}/blobs/uploads/${id}?state=a%2Fb`;
    const range = (): string => `0-${Math.max(0, Buffer.concat(held).length - 1)}`;
    if (request.method === "GET") return send(response, 204, { location, range: range() });
    const from = /^(\d+)-/.exec(request.headers["content-range"] ?? "")?.[1];
    if (from !== undefined && Number(from) !== Buffer.concat(held).length)
      return send(response, 416, { location, range: range() });
    // What arrived before a connection breaks stays.
    for await (const chunk of request) held.push(chunk as Buffer);
    if (request.method === "PATCH") return send(response, 202, { location, range: range() });
    const whole = Buffer.concat(held);
    if (url.searchParams.get("digest") !== digestOf(whole)) return sendError(response, 400, "DIGEST_INVALID", "wrong");
    this.uploads.delete(id);
    this.addBlob(whole);
    send(response, 201, { location: `/v2/${name}/blobs/${digestOf(whole)}` });
  }

  #blob(request: IncomingMessage, response: ServerResponse, digest: string): void {
    const bytes = this.blobs.get(digest);
    if (bytes === undefined) return sendError(response, 404, "BLOB_UNKNOWN", "no such blob");
    if (request.method === "DELETE") {
      this.blobs.delete(digest);
      return send(response, 202);
    }
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const range = from === 0 ? {} : { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` };
    const body = bytes.subarray(from);
    send(response, from === 0 ? 200 : 206, { ...range, "content-length": body.length }, body);
  }

  async #manifest(request: IncomingMessage, response: ServerResponse, reference: string): Promise<void> {
    if (request.method === "PUT") {
      const bytes = await readAll(request);
      const digest = digestOf(bytes);
      const mediaType = request.headers["content-type"] ?? "";
      if (reference.includes(":") && reference !== digest) return sendError(response, 400, "DIGEST_INVALID", "wrong");
      this.manifests.set(digest, { mediaType, bytes });
      if (!reference.includes(":")) this.tags.set(reference, digest);
      const subject = (JSON.parse(bytes.toString()) as { subject?: { digest: string } }).subject?.digest;
      const isListed = subject !== undefined && this.#options.hasReferrers !== false;
      return send(response, 201, { "docker-content-digest": digest, ...(isListed ? { "oci-subject": subject } : {}) });
    }
    const digest = this.tags.get(reference) ?? reference;
    const manifest = this.manifests.get(digest);
    if (manifest === undefined) return sendError(response, 404, "MANIFEST_UNKNOWN", "no such manifest");
    if (request.method === "DELETE") {
      if (!this.tags.delete(reference)) this.manifests.delete(digest);
      return send(response, 202);
    }
    const headers = { "content-type": manifest.mediaType, "docker-content-digest": digest };
    send(response, 200, { ...headers, "content-length": manifest.bytes.length }, manifest.bytes);
  }

  #tagList(response: ServerResponse, url: URL, name: string): void {
    const after = url.searchParams.get("last") ?? "";
    const tags = [...this.tags.keys()].sort().filter((tag) => tag > after);
    const page = tags.slice(0, this.#options.pageSize ?? tags.length);
    const link = page.length < tags.length ? { link: `</v2/${name}/tags/list?last=${page.at(-1)}>; rel="next"` } : {};
    send(response, 200, link, JSON.stringify({ name, tags: page.length === 0 ? null : page }));
  }

  #referrers(response: ServerResponse, subject: string): void {
    if (this.#options.hasReferrers === false) return send(response, 404);
    const manifests = [...this.manifests].flatMap(([digest, { mediaType, bytes }]) => {
      const manifest = JSON.parse(bytes.toString()) as { subject?: { digest: string }; artifactType?: string };
      if (manifest.subject?.digest !== subject) return [];
      return [{ mediaType, digest, size: bytes.length, artifactType: manifest.artifactType }];
    });
    const mediaType = "application/vnd.oci.image.index.v1+json";
    send(response, 200, { "content-type": mediaType }, JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  }
}

export function send(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | number> = {},
  body: string | Buffer = "",
): void {
  response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers }).end(body);
}

export function sendError(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  send(response, status, headers, JSON.stringify({ errors: [{ code, message }] }));
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Breaks the first `times` uploads of at least `minBytes`, each after `keepBytes` of it were kept. */
export function breakUploads(registry: FakeRegistry, times: number, keepBytes: number, minBytes = 1): void {
  let broken = 0;
  registry.intercept = async (request, response) => {
    const id = /uploads\/(upload-\d+)/.exec(request.url ?? "")?.[1];
    if (id === undefined || Number(request.headers["content-length"] ?? 0) < minBytes || broken >= times) return false;
    broken++;
    let rest = keepBytes;
    for await (const chunk of request) {
      registry.uploads.get(id)?.push((chunk as Buffer).subarray(0, rest));
      rest -= Math.min(rest, (chunk as Buffer).length);
      if (rest === 0) break;
    }
    response.destroy();
    return true;
  };
}

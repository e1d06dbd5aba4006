// One request and its answer: what the routes need of both, and nothing else of HTTP.
import type { IncomingMessage, ServerResponse } from "node:http";
import { RequestError } from "../error.ts";
import type { UploadBody } from "../storage/uploads.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { type PaceLimits, watchPace } from "./pace.ts";

/** Who asks: a user of htpasswd, or nobody in particular. */
export interface Client {
  readonly user: string | undefined;
  readonly address: string;
}

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly pace: PaceLimits;
  client: Client;
  /** Bytes of bodies, for the log. */
  sentBytes = 0;
  receivedBytes = 0;
  #expectsContinue: boolean;

  constructor(request: IncomingMessage, response: ServerResponse, pace: PaceLimits, expectsContinue: boolean) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? "";
    const url = request.url ?? "";
    const mark = url.indexOf("?");
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
    this.pace = pace;
    this.client = { user: undefined, address: request.socket.remoteAddress ?? "" };
    this.#expectsContinue = expectsContinue;
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** Throws SIZE_INVALID. Undefined for a body of unknown length. */
  get contentLength(): number | undefined {
    const text = this.header("content-length");
    if (text === undefined) return undefined;
    const length = Number(text);
    if (Number.isSafeInteger(length) && length >= 0) return length;
    throw new RequestError("SIZE_INVALID", "cannot read Content-Length: want a number of bytes");
  }

  /** The request's body. A client that stalls is told so and cut off. */
  body(): UploadBody {
    const { request } = this;
    const read = async function* (this: Exchange): AsyncGenerator<Uint8Array> {
      if (this.#expectsContinue) this.response.writeContinue();
      this.#expectsContinue = false;
      using _pace = watchPace(request.socket, this.pace, () => request.destroy(tooSlow()));
      // Whoever stops reading has an answer to give: the connection stays.
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        this.receivedBytes += (chunk as Uint8Array).length;
        yield chunk as Uint8Array;
      }
    };
    return { [Symbol.asyncIterator]: () => read.call(this), destroy: (error) => request.destroy(error) };
  }

  /** A small body whole. Throws SIZE_INVALID (413). */
  async readBody(maxBytes: number): Promise<Uint8Array> {
    if ((this.contentLength ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const chunks: Uint8Array[] = [];
    let total = 0;
    for await (const chunk of this.body()) {
      total += chunk.length;
      if (total > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** An answer without a body. */
  empty(status: number, headers: Readonly<Record<string, string>> = {}): void {
    // 204 has no length by definition; elsewhere it tells the client that nothing follows.
    this.#head(status, status === 204 ? headers : { ...headers, "Content-Length": "0" });
    this.response.end();
  }

  json(status: number, value: object, headers: Readonly<Record<string, string>> = {}): void {
    this.bytes(status, Buffer.from(JSON.stringify(value)), { "Content-Type": "application/json", ...headers });
  }

  /** An answer with a small body; for HEAD its headers. */
  bytes(status: number, body: Uint8Array, headers: Readonly<Record<string, string>>): void {
    this.#head(status, { ...headers, "Content-Length": String(body.length) });
    if (this.method === "HEAD") this.response.end();
    else {
      this.sentBytes += body.length;
      this.response.end(body);
    }
  }

  /** An answer of which the body follows from `chunks`; for HEAD only its headers. */
  async stream(
    status: number,
    headers: Readonly<Record<string, string>>,
    chunks: () => AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const { response } = this;
    this.#head(status, headers);
    if (this.method === "HEAD") {
      response.end();
      return;
    }
    using _pace = watchPace(this.request.socket, this.pace, () => response.destroy(tooSlow()));
    using writer = new ChunkWriter(response, this.request.socket);
    let sending = Promise.resolve();
    for await (const chunk of chunks()) {
      // One chunk is on its way while the next is prepared; the one before it is out, and its memory free.
      await sending;
      if (writer.isGone) return;
      this.sentBytes += chunk.length;
      sending = writer.write(chunk);
    }
    await sending;
    response.end();
  }

  #head(status: number, headers: Readonly<Record<string, string>>): void {
    // What is left of a body that nobody reads is not worth a connection.
    const unread = !this.request.complete && (this.header("content-length") ?? "") !== "0" && hasBody(this.request);
    this.response.writeHead(status, {
      "Docker-Distribution-Api-Version": "registry/2.0",
      "X-Content-Type-Options": "nosniff",
      ...headers,
      ...(unread ? { Connection: "close" } : {}),
    });
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

function tooSlow(): RequestError {
  return new RequestError("TOOMANYREQUESTS", "cut off: too few bytes over too long a time", { status: 408 });
}

function tooLarge(maxBytes: number): RequestError {
  return new RequestError("SIZE_INVALID", `cannot accept the body: more than ${maxBytes} bytes`, { status: 413 });
}

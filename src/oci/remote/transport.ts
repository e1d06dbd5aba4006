// One HTTP exchange (RFC 9110) over node:http and node:https: connect, send, get the head of the answer, each with its
// time-out. Bodies are streams in both directions. Errors come out as RegistryError TLS, UNREACHABLE, TIMEOUT, BAD_RESPONSE.
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Agents } from "./agents.ts";
import { RegistryError } from "./error.ts";
import type { RemoteLimits } from "./limits.ts";
import { networkError, timeoutError } from "./network-error.ts";
import { type RequestBody, sendBody } from "./send-body.ts";

export interface Exchange {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  /** The name that settings know the host by. */
  readonly registry: string;
  /** Any certificate will do. */
  readonly insecure: boolean;
  /** What this is for, in messages: `read manifest "a" of docker://host/name`. */
  readonly attempt: string;
}

/** The head of an answer. Its body must be read to the end or discarded, else the connection is not used again. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly url: URL;
  readonly body: IncomingMessage;
  readonly attempt: string;
}

export class Transport {
  readonly #agents: Agents;
  readonly #userAgent: string;
  readonly #limits: RemoteLimits;
  readonly #signal: AbortSignal | undefined;

  constructor(agents: Agents, userAgent: string, limits: RemoteLimits, signal: AbortSignal | undefined) {
    this.#agents = agents;
    this.#userAgent = userAgent;
    this.#limits = limits;
    this.#signal = signal;
  }

  async send(exchange: Exchange): Promise<Answer> {
    const { method, url, body, attempt } = exchange;
    this.#signal?.throwIfAborted();
    const lengthBytes = body?.sizeBytes ?? (method === "GET" || method === "HEAD" ? undefined : 0);
    const agent = await this.#agents.pool(url, exchange.registry, exchange.insecure);
    const request = (url.protocol === "http:" ? httpRequest : httpsRequest)(url, {
      method,
      agent,
      headers: {
        "user-agent": this.#userAgent,
        "accept-encoding": "identity",
        ...(lengthBytes === undefined ? {} : { "content-length": String(lengthBytes) }),
        ...exchange.headers,
      },
      ...(this.#signal === undefined ? {} : { signal: this.#signal }),
    });
    let sourceFailure: { readonly error: unknown } | undefined;
    const answer = waitForAnswer(request, url.host, attempt, body !== undefined, this.#limits);
    const sending = sendBody(request, body, attempt, this.#limits).catch((error: unknown) => {
      sourceFailure = { error };
      request.destroy();
    });
    try {
      const message = await answer;
      await sending;
      if (sourceFailure === undefined) return readHead(exchange, request, message);
      message.destroy();
    } catch (error) {
      await sending;
      this.#signal?.throwIfAborted();
      if (sourceFailure === undefined)
        throw error instanceof RegistryError ? error : networkError(attempt, url.host, error);
    }
    throw sourceFailure?.error;
  }
}

function readHead(exchange: Exchange, request: ClientRequest, body: IncomingMessage): Answer {
  const status = body.statusCode ?? 0;
  if (!request.writableEnded && status < 400) {
    request.destroy();
    throw new RegistryError(
      "BAD_RESPONSE",
      `cannot ${exchange.attempt}: ${exchange.url.host} answers ${status} before it has everything`,
    );
  }
  return { status, headers: body.headers, url: exchange.url, body, attempt: exchange.attempt };
}

async function waitForAnswer(
  request: ClientRequest,
  host: string,
  attempt: string,
  hasBody: boolean,
  limits: RemoteLimits,
): Promise<IncomingMessage> {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const allow = (timeoutMs: number, what: string): void => {
    clearTimeout(timer);
    if (isOver) return;
    timer = setTimeout(() => request.destroy(timeoutError(attempt, host, what, timeoutMs)), timeoutMs);
  };
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      allow(limits.connectMs, "cannot be connected to");
      // Stays for good: what comes after the answer's head is told by the body.
      request.on("error", reject);
      request.on("response", resolve);
      request.on("finish", () => allow(hasBody ? limits.commitMs : limits.answerMs, "does not answer"));
      request.on("socket", (socket) => {
        const connected = (): void => clearTimeout(timer);
        if (!socket.connecting) connected();
        else socket.once("encrypted" in socket ? "secureConnect" : "connect", connected);
      });
    });
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}

// The registry as a server on node:http or node:https: limits on connections, one log line a request, garbage collection
// now and then, and an end that lets running requests finish.
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { systemErrorCode } from "../base/errors.ts";
import type { Access } from "./auth/access.ts";
import { RegistryServerError } from "./error.ts";
import { answer, answerError, type Application } from "./http/dispatch.ts";
import { Exchange } from "./http/exchange.ts";
import type { PaceLimits } from "./http/pace.ts";
import { parseRoute, type RouteKind } from "./http/route.ts";
import type { Metrics } from "./metrics.ts";
import type { Service } from "./routes/service.ts";

export interface LogLine {
  readonly client: string;
  readonly user?: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly ms: number;
  /** The client left before it had the answer. */
  readonly aborted?: boolean;
}

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly service: Service;
  readonly access: Access;
  readonly metrics: Metrics;
  readonly showMetrics: boolean;
  readonly pace: PaceLimits;
  readonly onRequest: (line: LogLine) => void;
  readonly onError: (error: unknown) => void;
  /** Milliseconds on a clock that only goes forward. */
  readonly monotonicMs: () => number;
}

const HTTP_LIMITS = {
  maxHeaderSize: 16 * 1024,
  /** For the head of a request; bodies are watched by their pace. */
  headersTimeout: 15_000,
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  // Chunks as large as the socket gives them.
  highWaterMark: 1024 * 1024,
  noDelay: true,
} as const;
const MAX_CONNECTIONS = 4096;
/** While stopping: connections whose last request is answered are closed. */
const IDLE_CHECK_MS = 50;
const MAX_URL_LENGTH = 8 * 1024;

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  /** Takes no new requests; what runs gets `graceMs` to finish. */
  stop(graceMs: number): Promise<void>;
}

/** Throws RegistryServerError CANNOT_LISTEN, BAD_OPTION. */
export async function listen(options: ServerOptions): Promise<RunningServer> {
  let stopping = false;
  const application: Application = { ...options, isStopping: () => stopping };
  const handler =
    (expectsContinue: boolean): RequestListener =>
    (request, response) =>
      void handle(application, options, request, response, expectsContinue).catch((error: unknown) => {
        response.destroy();
        options.onError(error);
      });
  const server = makeServer(options);
  server.on("request", handler(false)).on("checkContinue", handler(true));
  server.on("clientError", (_, socket) => socket.destroy());
  server.maxConnections = MAX_CONNECTIONS;
  await listenOn(server, options);
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    stop: async (graceMs) => {
      stopping = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
      const last = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearInterval(idle);
      clearTimeout(last);
      await options.service.storage.uploads.stop();
    },
  };
}

function makeServer({ tls }: ServerOptions): Server {
  if (tls === undefined) return createServer(HTTP_LIMITS);
  try {
    return createTlsServer({ ...HTTP_LIMITS, cert: tls.cert, key: tls.key, minVersion: "TLSv1.2" });
  } catch (cause) {
    throw new RegistryServerError(
      "BAD_OPTION",
      "cannot use the TLS certificate: it and the key do not belong together",
      {
        hint: "Give both in PEM, the certificate with its chain",
        cause,
      },
    );
  }
}

async function listenOn(server: Server, { host, port }: ServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new RegistryServerError(
          "CANNOT_LISTEN",
          `cannot listen on ${host}:${port}: ${systemErrorCode(cause) ?? cause.message}`,
          {
            hint: "Choose another address with --listen",
            cause,
          },
        ),
      ),
    );
    server.listen(port, host, () => resolve());
  });
}

/** When the answer is out, or the connection gone. */
function whenOver({ socket }: IncomingMessage, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("close", done);
      socket.off("close", done);
      resolve();
    };
    response.on("close", done);
    socket.on("close", done);
  });
}

async function handle(
  application: Application,
  options: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  const exchange = new Exchange(request, response, options.pace, expectsContinue);
  const startedMs = options.monotonicMs();
  const { metrics } = options;
  let kind: RouteKind | "none" = "none";
  metrics.add("slipway_registry_requests_in_flight", 1);
  const over = whenOver(request, response);
  // Errors of a broken connection come out of the loops that read and write.
  request.on("error", () => undefined);
  response.on("error", () => undefined);
  try {
    if ((request.url ?? "").length > MAX_URL_LENGTH) exchange.empty(414);
    else {
      const route = parseRoute(exchange.method, exchange.path);
      kind = route.kind;
      await application.access.admit(exchange, route);
      await answer(application, exchange, route);
    }
  } catch (error) {
    if (request.destroyed && !request.complete) response.destroy();
    else answerError(application, exchange, error);
  }
  await over;
  const ms = options.monotonicMs() - startedMs;
  const status = response.statusCode;
  metrics.add("slipway_registry_requests_in_flight", -1);
  metrics.add("slipway_registry_requests_total", 1, { route: kind, method: exchange.method, status: String(status) });
  metrics.add("slipway_registry_request_seconds_total", ms / 1000, { route: kind });
  metrics.add("slipway_registry_received_bytes_total", exchange.receivedBytes);
  metrics.add("slipway_registry_sent_bytes_total", exchange.sentBytes);
  const { user, address } = exchange.client;
  options.onRequest({
    client: address,
    ...(user === undefined ? {} : { user }),
    method: exchange.method,
    path: exchange.path,
    status,
    receivedBytes: exchange.receivedBytes,
    sentBytes: exchange.sentBytes,
    ms: Math.round(ms * 10) / 10,
    ...(response.writableFinished ? {} : { aborted: true }),
  });
}

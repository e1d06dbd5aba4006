// From a request to its route and back to an answer: the one place where errors become answers.
import { messageOf } from "../../base/errors.ts";
import { IoError } from "../../base/io/index.ts";
import type { Access } from "../auth/access.ts";
import { RequestError } from "../error.ts";
import type { Metrics } from "../metrics.ts";
import { deleteBlob, getBlob } from "../routes/blobs.ts";
import { listReferrers, listRepositories, listTags } from "../routes/lists.ts";
import { deleteManifest, getManifest, putManifest } from "../routes/manifests.ts";
import type { Service } from "../routes/service.ts";
import { appendChunk, cancelUpload, finishUpload, startUpload, uploadStatus } from "../routes/uploads.ts";
import type { Exchange } from "./exchange.ts";
import { actionOf, type Route } from "./route.ts";

export interface Application {
  readonly service: Service;
  readonly access: Access;
  readonly metrics: Metrics;
  readonly showMetrics: boolean;
  readonly isStopping: () => boolean;
  /** Trouble on our side, for the operator. */
  readonly onError: (error: unknown) => void;
}

/** Answers an admitted request. Throws RequestError and what storage throws. */
export async function answer(application: Application, exchange: Exchange, route: Route): Promise<void> {
  const { service } = application;
  if ("name" in route && actionOf(exchange.method, route.kind) !== "pull" && service.isMirrored(exchange, route.name))
    throw new RequestError("UNSUPPORTED", "cannot change a mirrored repository: change it upstream");
  switch (route.kind) {
    case "ping":
      exchange.json(200, {}, exchange.client.user === undefined ? application.access.challenge : {});
      return;
    case "health":
      await answerHealth(application, exchange);
      return;
    case "metrics":
      answerMetrics(application, exchange);
      return;
    case "catalog":
      return await listRepositories(service, exchange);
    case "tags":
      return await listTags(service, exchange, route.name);
    case "referrers":
      return await listReferrers(service, exchange, route.name, route.reference);
    case "uploads":
      return await startUpload(service, exchange, route.name);
    case "blob":
      return await (exchange.method === "DELETE" ? deleteBlob : getBlob)(
        service,
        exchange,
        route.name,
        route.reference,
      );
    case "manifest":
      return await MANIFEST[exchange.method]?.(service, exchange, route.name, route.reference);
    case "upload":
      return await UPLOAD[exchange.method]?.(service, exchange, route.name, route.reference);
  }
}

const MANIFEST: Readonly<Record<string, typeof getManifest>> = {
  GET: getManifest,
  HEAD: getManifest,
  PUT: putManifest,
  DELETE: deleteManifest,
};

const UPLOAD: Readonly<Record<string, typeof appendChunk>> = {
  GET: uploadStatus,
  HEAD: uploadStatus,
  PATCH: appendChunk,
  PUT: finishUpload,
  DELETE: cancelUpload,
};

async function answerHealth({ service, isStopping }: Application, exchange: Exchange): Promise<void> {
  await service.storage.check();
  const stopping = isStopping();
  exchange.json(stopping ? 503 : 200, { status: stopping ? "stopping" : "ok" });
}

function answerMetrics({ metrics, showMetrics, service }: Application, exchange: Exchange): void {
  if (!showMetrics)
    throw new RequestError("NAME_UNKNOWN", "cannot show metrics: the registry was started without --metrics");
  metrics.set("slipway_registry_uploads_open", service.storage.uploads.open);
  exchange.bytes(200, Buffer.from(metrics.format()), { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
}

/** Tells the client; for trouble on our side nothing but that there was some. */
export function answerError(application: Application, exchange: Exchange, thrown: unknown): void {
  const error = asRequestError(application, thrown);
  const { response } = exchange;
  if (response.headersSent || response.destroyed) {
    // The status is out: only a broken connection says that the rest is missing.
    response.destroy();
    return;
  }
  exchange.json(error.status, { errors: [{ code: error.code, message: error.message }] }, error.headers);
}

function asRequestError({ onError }: Application, thrown: unknown): RequestError {
  if (thrown instanceof RequestError) return thrown;
  onError(thrown);
  if (thrown instanceof IoError && thrown.code === "NO_SPACE")
    return new RequestError("UNAVAILABLE", "cannot keep this: the registry's disk is full", { status: 507 });
  return new RequestError("INTERNAL_ERROR", "cannot answer: trouble on the registry's side", {
    cause: messageOf(thrown),
  });
}

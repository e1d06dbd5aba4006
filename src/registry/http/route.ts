// Which request means what (distribution-spec "Endpoints"). Paths are split from the right: a repository's name may
// itself contain words like "blobs".
import { RequestError } from "../error.ts";
import { parseRepositoryName, type RepositoryName } from "../names.ts";

/** What a user must be allowed to do. */
export type Action = "pull" | "push" | "delete";

export type Route =
  | { readonly kind: "ping" | "catalog" | "health" | "metrics" }
  | {
      readonly kind: "blob" | "manifest" | "upload" | "referrers";
      readonly name: RepositoryName;
      readonly reference: string;
    }
  | { readonly kind: "uploads" | "tags"; readonly name: RepositoryName };

export type RouteKind = Route["kind"];

const METHODS: Readonly<Record<RouteKind, readonly string[]>> = {
  ping: ["GET", "HEAD"],
  catalog: ["GET", "HEAD"],
  health: ["GET", "HEAD"],
  metrics: ["GET", "HEAD"],
  blob: ["GET", "HEAD", "DELETE"],
  manifest: ["GET", "HEAD", "PUT", "DELETE"],
  uploads: ["POST"],
  upload: ["GET", "HEAD", "PATCH", "PUT", "DELETE"],
  tags: ["GET", "HEAD"],
  referrers: ["GET", "HEAD"],
};

const FIXED: Readonly<Record<string, "ping" | "catalog" | "health" | "metrics">> = {
  "/v2": "ping",
  "/v2/": "ping",
  "/v2/_catalog": "catalog",
  "/healthz": "health",
  "/metrics": "metrics",
};

const WITH_NAME: readonly (readonly [RegExp, "uploads" | "upload" | "blob" | "manifest" | "tags" | "referrers"])[] = [
  [/^\/v2\/(.+)\/blobs\/uploads\/?$/, "uploads"],
  [/^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/, "upload"],
  [/^\/v2\/(.+)\/blobs\/([^/]+)$/, "blob"],
  [/^\/v2\/(.+)\/manifests\/([^/]+)$/, "manifest"],
  [/^\/v2\/(.+)\/tags\/list$/, "tags"],
  [/^\/v2\/(.+)\/referrers\/([^/]+)$/, "referrers"],
];

/** Throws NAME_INVALID, NAME_UNKNOWN for other paths, UNSUPPORTED for other methods. */
export function parseRoute(method: string, rawPath: string): Route {
  const route = findRoute(decodePath(rawPath));
  if (METHODS[route.kind].includes(method)) return route;
  throw new RequestError("UNSUPPORTED", `cannot ${method} this: want ${METHODS[route.kind].join(", ")}`, {
    headers: { Allow: METHODS[route.kind].join(", ") },
  });
}

function findRoute(path: string): Route {
  const fixed = FIXED[path];
  if (fixed !== undefined) return { kind: fixed };
  for (const [pattern, kind] of WITH_NAME) {
    const [, name, reference = ""] = pattern.exec(path) ?? [];
    if (name !== undefined) return { kind, name: parseRepositoryName(name), reference };
  }
  throw new RequestError("NAME_UNKNOWN", "cannot find what this path names: it is none of a registry");
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new RequestError("NAME_INVALID", "cannot read the path: it is not percent-encoded UTF-8", { cause });
  }
}

/** What a request wants to do in its repository. */
export function actionOf(method: string, kind: RouteKind): Action {
  if (kind === "uploads" || kind === "upload") return "push";
  if (method === "DELETE") return "delete";
  return method === "GET" || method === "HEAD" ? "pull" : "push";
}

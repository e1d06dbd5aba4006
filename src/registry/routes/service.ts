// What the routes work with.
import type { Content } from "../content.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Action } from "../http/route.ts";
import type { RepositoryName } from "../names.ts";
import type { Serial } from "../serial.ts";
import type { Storage } from "../storage/storage.ts";

export interface Service {
  readonly storage: Storage;
  /** Pulls of a repository: from the storage, or through the mirror. */
  content(exchange: Exchange, name: RepositoryName): Content;
  /** True for repositories of upstreams, which nobody writes here. */
  isMirrored(exchange: Exchange, name: RepositoryName): boolean;
  /** True when the client may do this; the request's own action was checked before. */
  isAllowed(exchange: Exchange, action: Action, name: RepositoryName): boolean;
  readonly serial: Serial;
}

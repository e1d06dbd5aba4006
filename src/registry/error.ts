// What a registry answers when it does not do what was asked: the error codes of the distribution specification
// ("Error Codes"), each with its HTTP status, and two of our own for trouble on our side (5xx, where the specification
// leaves the code free). And what is wrong with how a server was set up.
import { SlipwayError } from "../base/errors.ts";

export const ERROR_STATUS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 404,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  SIZE_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  UNAVAILABLE: 503,
  INTERNAL_ERROR: 500,
} as const;

export type RequestErrorCode = keyof typeof ERROR_STATUS;

export interface RequestErrorOptions {
  /** In place of the code's usual status. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Becomes the answer to a request: its message is sent to the client, so it names nothing of the server's inside. */
export class RequestError extends SlipwayError<RequestErrorCode> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RequestErrorCode, message: string, options: RequestErrorOptions = {}) {
    super(code, message, options.cause === undefined ? {} : { cause: options.cause });
    this.status = options.status ?? ERROR_STATUS[code];
    this.headers = options.headers ?? {};
  }
}

export class RegistryServerError extends SlipwayError<
  "BAD_OPTION" | "BAD_STORAGE" | "BAD_HTPASSWD" | "BAD_PERMISSIONS" | "CANNOT_LISTEN"
> {}

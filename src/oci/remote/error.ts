// What can go wrong between here and a registry. What a registry does not have is an OciError NOT_FOUND, as in every Store.
import { SlipwayError, type SlipwayErrorOptions } from "../../base/errors.ts";

export type RegistryErrorCode =
  | "UNAUTHORIZED"
  | "DENIED"
  | "RATE_LIMITED"
  | "TLS"
  | "UNREACHABLE"
  | "NOT_FOUND"
  | "BAD_RESPONSE"
  | "TIMEOUT"
  | "UNSUPPORTED"
  | "REFUSED"
  | "SERVER_FAILED";

export interface RegistryErrorOptions extends SlipwayErrorOptions {
  /** The same request may succeed a little later. */
  readonly transient?: boolean;
  /** What the registry asked for with Retry-After. */
  readonly retryAfterMs?: number | undefined;
}

/** NOT_FOUND stands for an upload that the registry has forgotten; REFUSED for a request that it finds wrong. */
export class RegistryError extends SlipwayError<RegistryErrorCode> {
  readonly transient: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(code, message, options);
    this.transient = options.transient ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export function badResponse(attempt: string, host: string, found: string, cause?: unknown): RegistryError {
  return new RegistryError("BAD_RESPONSE", `cannot ${attempt}: ${host} ${found}`, {
    hint: "Report this to those who run the registry",
    data: { host },
    ...(cause === undefined ? {} : { cause }),
  });
}

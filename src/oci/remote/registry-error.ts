// Answers of a registry that are errors (distribution-spec "Error Codes"), each as a sentence with its cure.
import { parseJson } from "../../base/json.ts";
import { OciError } from "../error.ts";
import { RegistryError, type RegistryErrorCode } from "./error.ts";
import { MAX_ERROR_BYTES, type RemoteLimits } from "./limits.ts";
import { readDocument } from "./read-body.ts";
import { parseRetryAfter } from "./retry.ts";
import type { Answer } from "./transport.ts";

export interface RegistryComplaint {
  readonly code: string;
  /** One line, without control characters; may be empty. */
  readonly message: string;
}

/** The first error of a body; what is no such body says nothing. */
export function parseComplaint(bytes: Uint8Array): RegistryComplaint {
  const nothing = { code: "", message: "" };
  try {
    const document = parseJson(Buffer.from(bytes).toString("utf8")) as { errors?: unknown } | null;
    const errors = document?.errors;
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    if (typeof first !== "object" || first === null) return nothing;
    const { code, message } = first as { code?: unknown; message?: unknown };
    return { code: oneLine(code, 60), message: oneLine(message, 200) };
  } catch {
    return nothing;
  }
}

function oneLine(value: unknown, maxLength: number): string {
  if (typeof value !== "string") return "";
  return value
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
    .slice(0, maxLength);
}

/** The error that an answer stands for; reads its body. `registry` is what `slipway login` takes. */
export async function answerError(
  answer: Answer,
  registry: string,
  nowMs: number,
  limits: RemoteLimits,
): Promise<OciError | RegistryError> {
  const { status, attempt, headers } = answer;
  const complaint = parseComplaint(await readDocument(answer, MAX_ERROR_BYTES, limits).catch(() => new Uint8Array()));
  const said = complaint.message === "" ? complaint.code : complaint.message;
  const quote = said === "" ? "" : ` (${JSON.stringify(said)})`;
  const data = { host: answer.url.host, status, registryCode: complaint.code === "" ? null : complaint.code };
  const kind = kindOf(status, complaint.code);
  if (kind === "MISSING")
    return new OciError("NOT_FOUND", `cannot ${attempt}: ${registry} does not have it${quote}`, { data });
  const retryAfterMs = parseRetryAfter(headers["retry-after"], nowMs);
  const { found, hint } = EXPLAIN[kind](registry, status, retryAfterMs);
  return new RegistryError(kind, `cannot ${attempt}: ${found}${quote}`, {
    hint,
    data,
    retryAfterMs,
    // An upload that is forgotten or stands elsewhere (416) can be started or asked about again.
    transient: ["RATE_LIMITED", "SERVER_FAILED", "NOT_FOUND"].includes(kind) || status === 408 || status === 416,
  });
}

function kindOf(status: number, code: string): AnswerCode | "MISSING" {
  if (status === 429 || code === "TOOMANYREQUESTS") return "RATE_LIMITED";
  if (status === 401) return "UNAUTHORIZED";
  if (status === 403 || code === "DENIED") return "DENIED";
  if (code === "BLOB_UPLOAD_UNKNOWN") return "NOT_FOUND";
  if (status === 404) return "MISSING";
  if (status === 405 || status === 501 || code === "UNSUPPORTED") return "UNSUPPORTED";
  if (status >= 500) return "SERVER_FAILED";
  return status >= 400 ? "REFUSED" : "BAD_RESPONSE";
}

type AnswerCode = Exclude<RegistryErrorCode, "TLS" | "UNREACHABLE" | "TIMEOUT">;
type Explain = (
  registry: string,
  status: number,
  retryAfterMs: number | undefined,
) => { readonly found: string; readonly hint: string };

const EXPLAIN: Readonly<Record<AnswerCode, Explain>> = {
  RATE_LIMITED: (registry, _, retryAfterMs) => ({
    found: `${registry} has had too many requests from here`,
    hint:
      retryAfterMs === undefined
        ? `Try again later, or get a higher limit by an account: slipway login ${registry}`
        : `Try again in ${Math.ceil(retryAfterMs / 1000)} s, or get a higher limit by an account: slipway login ${registry}`,
  }),
  UNAUTHORIZED: (registry) => ({
    found: `${registry} wants to know who asks`,
    hint: `Log in: slipway login ${registry}`,
  }),
  DENIED: (registry) => ({
    found: `${registry} does not allow it to this account`,
    hint: `Check the repository's name, or log in with an account that may: slipway login ${registry}`,
  }),
  NOT_FOUND: (registry) => ({ found: `${registry} has forgotten this upload`, hint: "Start it again" }),
  UNSUPPORTED: (registry, status) => ({
    found: `${registry} does not support it, status ${status}`,
    hint: "Ask those who run the registry to enable it",
  }),
  SERVER_FAILED: (registry, status) => ({
    found: `${registry} failed, status ${status}`,
    hint: "Try again later",
  }),
  REFUSED: (registry, status) => ({
    found: `${registry} refuses it, status ${status}`,
    hint:
      status === 413
        ? "Ask those who run the registry, or a proxy before it, to allow larger requests"
        : "Check the request against what the registry says",
  }),
  BAD_RESPONSE: (registry, status) => ({
    found: `${registry} answers with the status ${status}, which has no meaning here`,
    hint: "Check that host and port belong to a registry",
  }),
};

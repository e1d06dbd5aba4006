// Bearer tokens as registries hand them out (distribution's token and OAuth2 specifications): GET with Basic credentials
// or none, POST with an identity token. Refused: credentials to a token service that is not encrypted.
import { parseJson } from "../../base/json.ts";
import type { Credentials } from "../settings/types.ts";
import { bytesOnce } from "../store.ts";
import type { Challenge } from "./challenge.ts";
import { badResponse, RegistryError } from "./error.ts";
import { MAX_TOKEN_BYTES, type RemoteLimits } from "./limits.ts";
import { describeUrl, isLoopback, parseHttpUrl } from "./origin.ts";
import { readDocument } from "./read-body.ts";
import { sendFollowing } from "./redirect.ts";
import { answerError } from "./registry-error.ts";
import { formatScopes, type Scopes } from "./scope.ts";
import type { Exchange, Transport } from "./transport.ts";

export interface Token {
  readonly value: string;
  readonly scopes: Scopes;
  /** Milliseconds since 1970 from which on it is not used any more. */
  readonly renewAtMs: number;
}

export interface TokenRequest {
  readonly challenge: Challenge & { readonly scheme: "bearer" };
  readonly scopes: Scopes;
  readonly credentials: Credentials | undefined;
  readonly registry: string;
  /** The registry itself may be used without encryption. */
  readonly insecure: boolean;
  readonly attempt: string;
}

const CLIENT_ID = "slipway";
/** What a token is good for when the service does not say. */
const DEFAULT_LIFE_S = 60;
const MAX_LIFE_S = 24 * 60 * 60;

export async function requestToken(
  transport: Transport,
  limits: RemoteLimits,
  now: () => number,
  request: TokenRequest,
): Promise<Token> {
  const startedMs = now();
  const answer = await sendFollowing(transport, tokenExchange(request));
  if (answer.status !== 200) {
    const error = await answerError(answer, request.registry, now(), limits);
    throw error instanceof RegistryError ? error : badToken(request, error.message);
  }
  const { value, lifeS } = parseTokenAnswer(await readDocument(answer, MAX_TOKEN_BYTES, limits), request);
  return { value, scopes: request.scopes, renewAtMs: startedMs + lifeS * 900 };
}

function tokenExchange(request: TokenRequest): Exchange {
  const { challenge, credentials, insecure, attempt } = request;
  const url = parseHttpUrl(challenge.realm);
  if (url === undefined)
    throw badToken(request, `its token service ${JSON.stringify(challenge.realm.slice(0, 100))} is no HTTP address`);
  if (credentials !== undefined && url.protocol === "http:" && !insecure && !isLoopback(url))
    throw badToken(request, `its token service ${describeUrl(url)} is not encrypted, so it does not get the password`);
  url.username = "";
  url.password = "";
  const scopes = formatScopes(request.scopes);
  const exchange = { url, registry: url.host, insecure, attempt } as const;
  if (credentials !== undefined && "identityToken" in credentials) {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: credentials.identityToken,
      client_id: CLIENT_ID,
      ...(challenge.service === undefined ? {} : { service: challenge.service }),
      scope: scopes.join(" "),
    });
    const bytes = Buffer.from(form.toString());
    return {
      ...exchange,
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: { sizeBytes: bytes.length, bytes: bytesOnce(bytes) },
    };
  }
  if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credentials !== undefined) url.searchParams.set("account", credentials.username);
  return {
    ...exchange,
    method: "GET",
    headers: credentials === undefined ? {} : { authorization: basicHeader(credentials) },
  };
}

export function basicHeader({ username, password }: { readonly username: string; readonly password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Throws RegistryError BAD_RESPONSE. */
function parseTokenAnswer(
  bytes: Uint8Array,
  request: TokenRequest,
): { readonly value: string; readonly lifeS: number } {
  let document: { token?: unknown; access_token?: unknown; expires_in?: unknown } | null;
  try {
    document = parseJson(Buffer.from(bytes).toString("utf8")) as typeof document;
  } catch (cause) {
    throw badToken(request, "its token service answers with something that is no JSON", cause);
  }
  const value = document?.token ?? document?.access_token;
  // What may stand in a header: visible ASCII.
  if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value))
    throw badToken(request, "its token service answers without a token");
  const lifeS = document?.expires_in;
  const isLife = typeof lifeS === "number" && lifeS > 0;
  return { value, lifeS: isLife ? Math.min(lifeS, MAX_LIFE_S) : DEFAULT_LIFE_S };
}

function badToken({ attempt, registry }: TokenRequest, found: string, cause?: unknown): RegistryError {
  return badResponse(attempt, registry, `gives no token: ${found}`, cause);
}

// Who we are to one registry: answers its challenges with Basic credentials or with bearer tokens, which are kept for
// their scopes and renewed in time.
import type { Credentials, Settings } from "../settings/types.ts";
import type { Challenge } from "./challenge.ts";
import { RegistryError } from "./error.ts";
import { coversScopes, formatScopes, mergeScopes, parseScopes, type Scopes } from "./scope.ts";
import { basicHeader, type Token, type TokenRequest } from "./token.ts";

export interface AuthOptions {
  readonly settings: Settings;
  readonly registry: string;
  readonly now: () => number;
  readonly requestToken: (request: Omit<TokenRequest, "registry" | "insecure">) => Promise<Token>;
}

export class Authorizer {
  readonly #options: AuthOptions;
  readonly #credentials = new Map<string, Promise<Credentials | undefined>>();
  /** By repository and scopes; one request at a time for the same. */
  readonly #tokens = new Map<string, { token?: Token; pending?: Promise<Token> }>();
  #challenges: readonly Challenge[] = [];

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  /** What the registry asks for, unless it has asked before. */
  learn(challenges: readonly Challenge[]): void {
    if (challenges.length > 0) this.#challenges = challenges;
  }

  /** The Authorization header for what is wanted; undefined when the registry asks for none or we have none. */
  async header(repository: string, scopes: Scopes, attempt: string): Promise<string | undefined> {
    if (this.#challenges.length === 0) return undefined;
    const credentials = await this.#credentialsFor(repository);
    const bearer = this.#challenges.find((challenge) => challenge.scheme === "bearer");
    if (bearer !== undefined)
      return `Bearer ${(await this.#token(repository, scopes, bearer, credentials, attempt)).value}`;
    return credentials === undefined || "identityToken" in credentials ? undefined : basicHeader(credentials);
  }

  /**
   * After a 401 to a request with the header `refused`: the scopes to ask for next. Throws UNAUTHORIZED when nothing else
   * can be shown.
   */
  async refused(
    repository: string,
    scopes: Scopes,
    refused: string | undefined,
    challenges: readonly Challenge[],
    attempt: string,
  ): Promise<Scopes> {
    this.learn(challenges);
    const bearer = this.#challenges.find((challenge) => challenge.scheme === "bearer");
    if (bearer !== undefined) {
      for (const [key, { token }] of this.#tokens) if (`Bearer ${token?.value}` === refused) this.#tokens.delete(key);
      return bearer.scope === undefined ? scopes : mergeScopes(scopes, parseScopes(bearer.scope));
    }
    if (this.#challenges.length > 0 && (await this.header(repository, scopes, attempt)) !== refused) return scopes;
    throw await this.unauthorized(repository, attempt);
  }

  async unauthorized(repository: string, attempt: string): Promise<RegistryError> {
    const { registry } = this.#options;
    const credentials = await this.#credentialsFor(repository);
    const found =
      credentials === undefined
        ? `${registry} wants a login, and there is none for it here`
        : `${registry} does not accept the login that is stored for it`;
    return new RegistryError("UNAUTHORIZED", `cannot ${attempt}: ${found}`, {
      hint: `Log in: slipway login ${registry}`,
      data: { host: registry, loggedIn: credentials !== undefined },
    });
  }

  #credentialsFor(repository: string): Promise<Credentials | undefined> {
    let found = this.#credentials.get(repository);
    if (found === undefined) {
      found = this.#options.settings.credentials(this.#options.registry, repository);
      this.#credentials.set(repository, found);
    }
    return found;
  }

  async #token(
    repository: string,
    scopes: Scopes,
    challenge: Challenge & { readonly scheme: "bearer" },
    credentials: Credentials | undefined,
    attempt: string,
  ): Promise<Token> {
    const nowMs = this.#options.now();
    for (const { token } of this.#tokens.values())
      if (token !== undefined && token.renewAtMs > nowMs && coversScopes(token.scopes, scopes)) return token;
    const key = `${repository} ${formatScopes(scopes).join(" ")}`;
    const pending = this.#tokens.get(key)?.pending;
    if (pending !== undefined) return pending;
    const request = this.#options.requestToken({ challenge, scopes, credentials, attempt });
    this.#tokens.set(key, { pending: request });
    try {
      const token = await request;
      this.#tokens.set(key, { token });
      return token;
    } catch (error) {
      this.#tokens.delete(key);
      if (error instanceof RegistryError && error.code === "UNAUTHORIZED")
        throw Object.assign(await this.unauthorized(repository, attempt), { cause: error });
      throw error;
    }
  }
}

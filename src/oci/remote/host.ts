// One registry as a session knows it: how to reach it (https, or http where that is allowed), who we are to it, and
// requests that come back with a wanted status or throw.
import { Authorizer } from "./auth.ts";
import { parseChallenges } from "./challenge.ts";
import { RegistryError } from "./error.ts";
import { originOf } from "./origin.ts";
import { discard } from "./read-body.ts";
import { sendFollowing } from "./redirect.ts";
import { answerError } from "./registry-error.ts";
import { retrying } from "./retry.ts";
import type { Scopes } from "./scope.ts";
import type { RequestBody } from "./send-body.ts";
import type { RemoteContext } from "./session.ts";
import { requestToken } from "./token.ts";
import type { Answer, Exchange } from "./transport.ts";

export interface ApiRequest {
  readonly method: Exchange["method"];
  /** `/v2/…`, or an address that the registry gave. */
  readonly path: string | URL;
  readonly repository: string;
  readonly scopes: Scopes;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called again for each try. */
  readonly body?: () => RequestBody;
  /** The body can be read only once: no second try. */
  readonly once?: boolean;
  /** Statuses that are no errors. */
  readonly expect: readonly number[];
  readonly attempt: string;
  /** Most tries; as the limits have it unless given. */
  readonly tries?: number;
}

/** What is gone at a second try may be gone by the first, whose answer was lost. */
function again(request: ApiRequest): ApiRequest {
  return request.method === "DELETE" ? { ...request, expect: [...request.expect, 404] } : request;
}

export class RegistryHost {
  readonly registry: string;
  readonly #context: RemoteContext;
  readonly #insecure: boolean;
  readonly #auth: Authorizer;
  #reached: Promise<URL> | undefined;
  #hasAnswered = false;
  #isDown = false;

  constructor(context: RemoteContext, registry: string, insecure: boolean) {
    this.registry = registry;
    this.#context = context;
    this.#insecure = insecure;
    const { settings, transport, limits, now } = context;
    this.#auth = new Authorizer({
      settings,
      registry,
      now,
      requestToken: (request) => requestToken(transport, limits, now, { ...request, registry, insecure }),
    });
  }

  /** Was asked, and has not answered yet: where there are others to ask they come first. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** Redirects followed, credentials shown. Throws RegistryError, OciError NOT_FOUND. */
  request(request: ApiRequest): Promise<Answer> {
    const { attempts, firstAttempts } = this.#context.limits;
    const tries = request.once === true ? 1 : (request.tries ?? (this.#hasAnswered ? attempts : firstAttempts));
    let tried = 0;
    return retrying(this.#context, tries, () => this.#once(tried++ === 0 ? request : again(request)));
  }

  async #once(request: ApiRequest): Promise<Answer> {
    const { repository, attempt } = request;
    const origin = await this.#reach(attempt);
    const url = typeof request.path === "string" ? new URL(request.path, origin) : request.path;
    // Another host gets neither our credentials nor our certificate.
    if (url.origin !== origin.origin) {
      const insecure = this.#insecure && url.hostname === origin.hostname;
      return this.#expect(request, await this.#send(request, url, undefined, url.host, insecure));
    }
    let header = await this.#auth.header(repository, request.scopes, attempt);
    let answer = await this.#send(request, url, header);
    // The challenge of another host that we were redirected to is not for us to answer.
    if (answer.status === 401 && answer.url.origin === origin.origin) {
      const challenges = parseChallenges(answer.headers["www-authenticate"] ?? "");
      discard(answer);
      const scopes = await this.#auth.refused(repository, request.scopes, header, challenges, attempt);
      if (request.once === true) throw await this.#auth.unauthorized(repository, attempt);
      header = await this.#auth.header(repository, scopes, attempt);
      answer = await this.#send(request, url, header);
      if (answer.status === 401) {
        discard(answer);
        throw await this.#auth.unauthorized(repository, attempt);
      }
    }
    return this.#expect(request, answer);
  }

  #send(
    request: ApiRequest,
    url: URL,
    authorization: string | undefined,
    registry: string = this.registry,
    insecure: boolean = this.#insecure,
  ): Promise<Answer> {
    return sendFollowing(this.#context.transport, {
      method: request.method,
      url,
      headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
      body: request.body?.(),
      registry,
      insecure,
      attempt: request.attempt,
    });
  }

  async #expect(request: ApiRequest, answer: Answer): Promise<Answer> {
    if (request.expect.includes(answer.status)) return answer;
    throw await answerError(answer, this.registry, this.#context.now(), this.#context.limits);
  }

  /** Asked once; again after a failure. */
  #reach(attempt: string): Promise<URL> {
    if (this.#reached === undefined) {
      const reached = this.#ping(attempt);
      this.#reached = reached;
      reached.catch(() => {
        this.#reached = undefined;
        this.#isDown = !this.#hasAnswered;
      });
    }
    return this.#reached;
  }

  /** The version check of the API tells the challenge before anything large is sent. */
  async #ping(attempt: string): Promise<URL> {
    const isUnverified = this.#insecure || !(await this.#context.settings.tls(this.registry)).verify;
    try {
      return await this.#pingAt(originOf(this.registry, "https"), attempt);
    } catch (error) {
      if (!isUnverified || !isNoHttps(error)) throw error;
      return this.#pingAt(originOf(this.registry, "http"), attempt);
    }
  }

  async #pingAt(origin: URL, attempt: string): Promise<URL> {
    const url = new URL("/v2/", origin);
    const answer = await this.#context.transport.send({
      method: "GET",
      url,
      headers: {},
      registry: this.registry,
      insecure: this.#insecure,
      attempt,
    });
    // A TLS port says 400 to plain HTTP; everything else is told again by the request itself.
    if (answer.status === 400 || answer.status === 429 || answer.status >= 500)
      throw await answerError(answer, this.registry, this.#context.now(), this.#context.limits);
    if (answer.status === 401) this.#auth.learn(parseChallenges(answer.headers["www-authenticate"] ?? ""));
    discard(answer);
    this.#hasAnswered = true;
    this.#isDown = false;
    return origin;
  }
}

function isNoHttps(error: unknown): boolean {
  return error instanceof RegistryError && ["TLS", "UNREACHABLE", "TIMEOUT", "BAD_RESPONSE"].includes(error.code);
}

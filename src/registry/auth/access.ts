// Basic authentication (RFC 7617) in front of the rules.
import { RequestError } from "../error.ts";
import type { Exchange } from "../http/exchange.ts";
import { type Action, actionOf, type Route } from "../http/route.ts";
import type { RepositoryName } from "../names.ts";
import type { Passwords } from "./htpasswd.ts";
import { isPermitted, type Rule } from "./permissions.ts";

export interface AccessOptions {
  /** Undefined: there are no users. */
  readonly passwords?: Passwords;
  readonly rules: readonly Rule[];
  readonly readOnly: boolean;
}

const CHALLENGE = { "WWW-Authenticate": 'Basic realm="Slipway registry", charset="UTF-8"' };

export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Sets the exchange's user and checks what the request wants. Throws UNAUTHORIZED, DENIED, UNSUPPORTED. */
  async admit(exchange: Exchange, route: Route): Promise<void> {
    if (route.kind === "health" || route.kind === "metrics") return;
    const action = actionOf(exchange.method, route.kind);
    if (this.#options.readOnly && action !== "pull")
      throw new RequestError("UNSUPPORTED", `cannot ${action}: this registry is read-only`);
    // No client of registries says where it comes from; a web page that abuses its visitor's browser does.
    if (action !== "pull" && exchange.header("origin") !== undefined)
      throw new RequestError("DENIED", `cannot ${action} from a web page`);
    const user = await this.#authenticate(exchange);
    exchange.client = { ...exchange.client, user };
    const name = "name" in route ? route.name : undefined;
    if (this.isAllowed(exchange, action, name)) return;
    // Whoever is known gets no second chance to log in; the start page is for everybody who is known.
    if (user !== undefined && name === undefined) return;
    if (user === undefined && this.#options.passwords !== undefined) throw unauthorized("log in first");
    throw new RequestError("DENIED", `cannot ${action}: ${user ?? "an anonymous client"} may not do this here`);
  }

  isAllowed(exchange: Exchange, action: Action, name: RepositoryName | undefined): boolean {
    if (this.#options.readOnly && action !== "pull") return false;
    return isPermitted(this.#options.rules, exchange.client.user, action, name);
  }

  /** For the start page: clients that may read without logging in learn that they can. */
  get challenge(): Readonly<Record<string, string>> {
    return this.#options.passwords === undefined ? {} : CHALLENGE;
  }

  async close(): Promise<void> {
    await this.#options.passwords?.close();
  }

  async #authenticate(exchange: Exchange): Promise<string | undefined> {
    const { passwords } = this.#options;
    const header = exchange.header("authorization");
    if (passwords === undefined || header === undefined) return undefined;
    const [, encoded] = /^Basic +([A-Za-z0-9+/=_-]{0,2048})$/i.exec(header) ?? [];
    if (encoded === undefined) throw unauthorized("want Basic credentials");
    const text = Buffer.from(encoded, "base64").toString("utf8");
    const colon = text.indexOf(":");
    const user = text.slice(0, Math.max(colon, 0));
    const password = text.slice(colon + 1);
    // Some clients answer a challenge with empty credentials when they have none.
    if (user === "" && password === "") return undefined;
    if (await passwords.verify(user, password)) return user;
    throw unauthorized("wrong user or password");
  }
}

function unauthorized(found: string): RequestError {
  return new RequestError("UNAUTHORIZED", `cannot let you in: ${found}`, { headers: CHALLENGE });
}

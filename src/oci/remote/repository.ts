// One repository at one registry: where requests go and how messages name it.
import { OciError } from "../error.ts";
import { isRepositoryName, isTag } from "../reference.ts";
import type { ApiRequest, RegistryHost } from "./host.ts";
import { badResponse, type RegistryError } from "./error.ts";
import { parseHttpUrl } from "./origin.ts";
import { scopeOf, type Scopes } from "./scope.ts";
import type { RemoteContext } from "./session.ts";
import type { Answer } from "./transport.ts";

type RepositoryRequest = Omit<ApiRequest, "repository" | "scopes" | "path"> & {
  /** Below `/v2/NAME/`, or an address that the registry gave. */
  readonly path: string | URL;
  readonly scopes?: Scopes;
};

export class RemoteRepository {
  readonly context: RemoteContext;
  readonly host: RegistryHost;
  readonly name: string;
  /** `docker://host/name`. */
  readonly description: string;

  /** Throws OciError BAD_REFERENCE. */
  constructor(context: RemoteContext, host: RegistryHost, name: string) {
    // It becomes part of paths.
    if (!isRepositoryName(name))
      throw new OciError(
        "BAD_REFERENCE",
        `cannot use repository ${JSON.stringify(name.slice(0, 200))} of ${host.registry}`,
      );
    this.context = context;
    this.host = host;
    this.name = name;
    this.description = `docker://${host.registry}/${name}`;
  }

  /** With the scope to pull unless others are given; `path` is below the repository. */
  request(request: RepositoryRequest): Promise<Answer> {
    const { path } = request;
    return this.host.request({
      ...request,
      path: typeof path === "string" ? `/v2/${this.name}/${path}` : path,
      repository: this.name,
      scopes: request.scopes ?? this.pullScope,
    });
  }

  get pullScope(): Scopes {
    return scopeOf(this.name, "pull");
  }

  get pushScope(): Scopes {
    return scopeOf(this.name, "pull", "push");
  }

  get deleteScope(): Scopes {
    return scopeOf(this.name, "pull", "delete");
  }

  badResponse(attempt: string, found: string): RegistryError {
    return badResponse(attempt, this.host.registry, found);
  }

  /** An address of a Location or Link header. Throws BAD_RESPONSE, also when it gives up encryption. */
  addressOf(answer: Answer, text: string | undefined): URL {
    const url = parseHttpUrl(text, answer.url);
    if (url === undefined) throw this.badResponse(answer.attempt, "answers without a usable address");
    if (answer.url.protocol === "https:" && url.protocol === "http:")
      throw this.badResponse(answer.attempt, `names an address that is not encrypted: ${url.origin}`);
    return url;
  }
}

/** For a path. Throws OciError BAD_REFERENCE. */
export function checkTag(name: string): string {
  if (isTag(name)) return name;
  throw new OciError("BAD_REFERENCE", `cannot use tag ${JSON.stringify(name.slice(0, 200))}`, {
    hint: "Use letters, digits and _ . -, 128 at most",
  });
}

// Which upstream a request is for. Only configured hosts are ever asked: by the `ns` parameter (distribution-spec
// "Registry Proxying"), by the first part of the repository's name, or, with one upstream, by any name.
import { isRepositoryName, type RepositoryName } from "../names.ts";
import type { Upstream } from "./upstream.ts";

export interface MirroredName {
  readonly upstream: Upstream;
  /** The repository's name there. */
  readonly repository: string;
  /** Its name in our storage: below the upstream's host. */
  readonly storedAs: RepositoryName;
}

/** Undefined for repositories of our own. */
export function mirroredName(
  upstreams: readonly Upstream[],
  name: RepositoryName,
  ns: string | null,
): MirroredName | undefined {
  if (ns !== null)
    return make(
      upstreams.find(({ host }) => host === ns.toLowerCase()),
      name,
    );
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const named = upstreams.find(({ host }) => directoryOf(host) === first);
  if (named !== undefined) return make(named, name.slice(slash + 1));
  return make(upstreams.length === 1 ? upstreams[0] : undefined, name);
}

function make(upstream: Upstream | undefined, repository: string): MirroredName | undefined {
  if (upstream === undefined) return undefined;
  const storedAs = `${directoryOf(upstream.host)}/${repository}`;
  return isRepositoryName(storedAs) ? { upstream, repository, storedAs } : undefined;
}

/** A repository's name has no colon. */
export function directoryOf(host: string): string {
  return host.toLowerCase().replace(":", "_");
}

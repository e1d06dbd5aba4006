// Where a name is pulled from and pushed to: the one [[registry]] table whose prefix covers most of it, its mirrors and
// its location (containers-registries.conf(5)). Refused: blocked names, rewrites that make no name, and prefixes that end
// in a tag or digest.
import { OciError } from "../error.ts";
import { parseImageName } from "../reference.ts";
import { SettingsError } from "./error.ts";
import type { RegistryTable } from "./registries-conf.ts";
import type { Endpoint } from "./types.ts";

/** Mirrors in their order, then the location. Throws SettingsError BLOCKED, BAD_REGISTRIES_CONF. */
export function pullEndpoints(
  tables: readonly RegistryTable[],
  registry: string,
  repository: string,
  kind: "tag" | "digest",
): readonly Endpoint[] {
  const match = findTable(tables, registry, repository);
  if (match === undefined) return [{ registry, repository, insecure: false }];
  const { table, rest } = match;
  const endpoints = [
    ...table.mirrors
      .filter(({ pull }) => pull === "all" || pull === `${kind}-only`)
      .map(({ location, insecure }) => ({ ...rewritten(table, location, rest), insecure })),
    {
      ...(table.location === "" ? { registry, repository } : rewritten(table, table.location, rest)),
      insecure: table.insecure,
    },
  ];
  // What is blocked is not reached by way of a mirror or a rewrite either.
  const allowed = endpoints.filter((end) => bestMatch(tables, end.registry, end.repository)?.table.blocked !== true);
  const [first] = endpoints;
  if (allowed.length === 0 && first !== undefined) findTable(tables, first.registry, first.repository);
  return allowed;
}

/** Pushing knows no mirrors and no rewrites. Throws SettingsError BLOCKED, BAD_REGISTRIES_CONF. */
export function pushEndpoint(tables: readonly RegistryTable[], registry: string, repository: string): Endpoint {
  const insecure = findTable(tables, registry, repository)?.table.insecure ?? false;
  return { registry, repository, insecure };
}

interface Match {
  readonly table: RegistryTable;
  /** What comes after the part of the name that the prefix covers. */
  readonly rest: string;
}

/** The table with the longest prefix of a name. Throws SettingsError BLOCKED, BAD_REGISTRIES_CONF. */
function findTable(tables: readonly RegistryTable[], registry: string, repository: string): Match | undefined {
  const best = bestMatch(tables, registry, repository);
  if (best === undefined) return undefined;
  const name = `${registry}/${repository}`;
  const { table } = best;
  if (table.blocked) {
    throw new SettingsError("BLOCKED", `cannot use ${name}: ${table.origin} blocks ${table.prefix}`, {
      hint: "Ask who administers this machine, or remove `blocked = true` there",
      data: { name, prefix: table.prefix, path: table.origin },
    });
  }
  if (isVersion(best.rest)) {
    throw new SettingsError(
      "BAD_REGISTRIES_CONF",
      `cannot use ${name}: the prefix ${table.prefix} of ${table.origin} has a tag or digest, which Slipway does not support`,
      { hint: "Let the prefix end with the repository", data: { name, prefix: table.prefix, path: table.origin } },
    );
  }
  return best;
}

function bestMatch(tables: readonly RegistryTable[], registry: string, repository: string): Match | undefined {
  // What is blocked must not be reached by spelling it differently: hosts are the same in upper and lower case, Docker
  // Hub has two names, and a port may be written out.
  const host = registry.toLowerCase();
  const name = `${host === "index.docker.io" ? "docker.io" : host}/${repository}`;
  const withoutPort = name.replace(/^([^/]*):\d+\//, "$1/");
  let best: Match | undefined;
  for (const table of tables) {
    const rest = restAfter(name, table.prefix) ?? (table.blocked ? restAfter(withoutPort, table.prefix) : undefined);
    if (rest !== undefined && table.prefix.length > (best?.table.prefix.length ?? 0)) best = { table, rest };
  }
  return best;
}

/** Undefined when the prefix does not cover the name up to a separator. */
function restAfter(name: string, prefix: string): string | undefined {
  const slash = name.indexOf("/");
  if (prefix.startsWith("*.")) {
    const host = name.slice(0, slash);
    const suffix = prefix.slice(1).toLowerCase();
    // `*.example.com` covers every port of a host, `*.example.com:5000` one.
    const end = host.endsWith(suffix)
      ? host.length
      : host.replace(/:\d+$/, "").endsWith(suffix)
        ? host.lastIndexOf(":")
        : 0;
    return end > suffix.length ? name.slice(end) : undefined;
  }
  const at = prefix.indexOf("/");
  const start = at < 0 ? prefix.toLowerCase() : prefix.slice(0, at).toLowerCase() + prefix.slice(at);
  if (name === start || name.startsWith(`${start}/`)) return name.slice(start.length);
  return start.startsWith(name) && isVersion(start.slice(name.length)) ? start.slice(name.length) : undefined;
}

function isVersion(rest: string): boolean {
  return /^[:@]/.test(rest) && !/^:\d+\//.test(rest);
}

function rewritten(table: RegistryTable, location: string, rest: string): { registry: string; repository: string } {
  try {
    const { registry, repository, tag } = parseImageName(location + rest);
    if (registry !== undefined && tag === undefined) return { registry, repository };
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
  }
  throw new SettingsError(
    "BAD_REGISTRIES_CONF",
    `cannot send ${table.prefix}${rest} to ${location}${rest}, as ${table.origin} says: that is no name of an image`,
    { hint: "Mend `location` there", data: { path: table.origin, prefix: table.prefix } },
  );
}

// Token scopes (distribution's token specification): `repository:NAME:ACTION,ACTION`, several separated by spaces.

/** Actions by repository. */
export type Scopes = ReadonlyMap<string, ReadonlySet<string>>;

export function scopeOf(repository: string, ...actions: readonly string[]): Scopes {
  return new Map([[repository, new Set(actions)]]);
}

export function mergeScopes(left: Scopes, right: Scopes): Scopes {
  const merged = new Map<string, ReadonlySet<string>>(left);
  for (const [repository, actions] of right)
    merged.set(repository, (merged.get(repository) ?? new Set()).union(actions));
  return merged;
}

/** True when `granted` allows all of `wanted`. */
export function coversScopes(granted: Scopes, wanted: Scopes): boolean {
  return [...wanted].every(([repository, actions]) => granted.get(repository)?.isSupersetOf(actions) === true);
}

/** Scopes of a challenge; what is not about a repository is left out. */
export function parseScopes(text: string): Scopes {
  let scopes: Scopes = new Map();
  for (const part of text.split(" ").slice(0, 20)) {
    // The name may hold a host with a port: actions follow the last colon.
    const match = /^repository(?:\([a-z0-9]+\))?:(.+):([^:]*)$/.exec(part);
    if (match?.[1] !== undefined && match[2] !== undefined && match[2] !== "")
      scopes = mergeScopes(scopes, scopeOf(match[1], ...match[2].split(",")));
  }
  return scopes;
}

/** Sorted, `pull` before `push` as everyone writes them. */
export function formatScopes(scopes: Scopes): readonly string[] {
  return [...scopes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([repository, actions]) => `repository:${repository}:${[...actions].sort().join(",")}`);
}

// Id maps of user_namespaces(7) and the ranges of subuid(5): which ids of a user namespace are which outside.

export interface IdExtent {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** The kernel takes no more extents in a map. */
const MAX_EXTENTS = 340;
const MAX_ID = 0xffff_ffff;
/** What Debian, Fedora and podman give a user. */
const WANTED_IDS = 65_536;

/** Lines of `/proc/PID/uid_map`; lines that are none are left out. */
export function parseIdMap(text: string): IdExtent[] {
  return text
    .split("\n")
    .slice(0, MAX_EXTENTS)
    .flatMap((line) => {
      const [inside = NaN, outside = NaN, count = NaN] = line.trim().split(/\s+/).map(wholeNumber);
      return inside >= 0 && outside >= 0 && count > 0 ? [{ inside, outside, count }] : [];
    });
}

/** The text that the kernel takes, and the arguments that newuidmap takes. */
export function formatIdMap(extents: readonly IdExtent[]): string {
  return extents.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join("");
}

/** Every id of this namespace to itself: what `map`, our own, can give on. */
export function identityMap(map: readonly IdExtent[]): IdExtent[] {
  return map.map(({ inside, count }) => ({ inside, outside: inside, count }));
}

/** The user's own id as 0, then the ranges that /etc/subuid gives the user, up to id 65535. Undefined without a range. */
export function rangeMap(subordinate: string, user: string, id: number, ownId: number): IdExtent[] | undefined {
  const extents: IdExtent[] = [{ inside: 0, outside: ownId, count: 1 }];
  let next = 1;
  for (const line of subordinate.split("\n").slice(0, 10_000)) {
    const [owner, start, count] = line.trim().split(":");
    if (owner !== user && owner !== String(id)) continue;
    const outside = wholeNumber(start ?? "");
    const available = Math.min(wholeNumber(count ?? ""), WANTED_IDS - next);
    if (!(outside > 0 && available > 0) || extents.length === MAX_EXTENTS) continue;
    extents.push({ inside: next, outside, count: available });
    next += available;
  }
  return extents.length === 1 ? undefined : extents;
}

function wholeNumber(text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  return value <= MAX_ID ? value : NaN;
}

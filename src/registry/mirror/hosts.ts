// Where an upstream may send its mirror: to itself, to hosts below it, to where the large public registries are known to
// keep blobs and logins, and to what the operator adds. A redirect elsewhere is not followed: an upstream, or whoever speaks
// for it, does not get to aim our requests at other machines.

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "docker.io": ["*.docker.com", "docker-images-prod.*.r2.cloudflarestorage.com"],
  "quay.io": ["quayio-production-s3.s3*.amazonaws.com"],
  "ghcr.io": ["*.githubusercontent.com"],
};

/** `added`: HOST[:PORT] each, with * for any characters. */
export function reachableFrom(upstream: string, added: readonly string[]): (url: URL) => boolean {
  const patterns = [upstream, `*.${upstream}`, ...(KNOWN[upstream] ?? []), ...added].map(patternOf);
  return ({ host }) => patterns.some((pattern) => pattern.test(host));
}

function patternOf(glob: string): RegExp {
  const parts = glob.toLowerCase().split("*");
  return new RegExp(`^${parts.map((part) => part.replace(/[.[\]]/g, "\\$&")).join("[a-z0-9.-]*")}$`);
}

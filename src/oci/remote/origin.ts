// Where a registry is: HOST[:PORT] of an image name to the URL that answers for it, and which hosts are this machine.

/** Docker Hub's API is not at the name that its images have. */
const API_HOSTS: Readonly<Record<string, string>> = {
  "docker.io": "registry-1.docker.io",
  "index.docker.io": "registry-1.docker.io",
};

export function originOf(registry: string, scheme: "https" | "http"): URL {
  return new URL(`${scheme}://${API_HOSTS[registry] ?? registry}/`);
}

/** Undefined for anything but an HTTP address. */
export function parseHttpUrl(text: string | undefined, base?: URL): URL | undefined {
  const url = text === undefined ? null : URL.parse(text, base?.href);
  return url !== null && (url.protocol === "https:" || url.protocol === "http:") ? url : undefined;
}

export function isLoopback(url: URL): boolean {
  return /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

/** A URL for messages: what follows the path may be a secret of the registry's storage. */
export function describeUrl(url: URL): string {
  return `${url.origin}${url.pathname}`.slice(0, 200);
}

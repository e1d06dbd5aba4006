// Connections to registries: one pool of kept-alive connections a host, with the TLS settings of that host.
import { readFileSync } from "node:fs";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { systemErrorCode } from "../../base/errors.ts";
import type { Settings, TlsSettings } from "../settings/types.ts";
import { RegistryError } from "./error.ts";
import { networkError } from "./network-error.ts";

/** Proxies, and SSL_CERT_FILE. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** A response is handed on in pieces of up to this size: few and large ones are cheapest. */
const READ_BYTES = 512 * 1024;

export class Agents implements Disposable {
  readonly #settings: Settings;
  readonly #env: ProxyEnvironment;
  readonly #mayReach: (url: URL) => boolean;
  #systemCas: readonly string[] | undefined;
  readonly #pools = new Map<string, Promise<HttpAgent>>();

  /** Hosts that `mayReach` does not let pass are not connected to, wherever a redirect or a challenge leads. */
  constructor(settings: Settings, env: ProxyEnvironment, mayReach: (url: URL) => boolean = () => true) {
    this.#settings = settings;
    this.#env = env;
    this.#mayReach = mayReach;
  }

  /** `registry` is the name that settings know the host by; `insecure` takes any certificate. */
  pool(url: URL, registry: string, insecure: boolean): Promise<HttpAgent> {
    const key = `${url.origin} ${registry} ${insecure}`;
    let pool = this.#pools.get(key);
    if (pool === undefined) {
      pool = this.#make(url, registry, insecure);
      this.#pools.set(key, pool);
    }
    return pool;
  }

  [Symbol.dispose](): void {
    for (const pool of this.#pools.values()) pool.then((agent) => agent.destroy()).catch(() => undefined);
    this.#pools.clear();
  }

  async #make(url: URL, registry: string, insecure: boolean): Promise<HttpAgent> {
    if (!this.#mayReach(url))
      throw new RegistryError("DENIED", `cannot follow to ${url.host}: it is none of the hosts that may be asked`);
    const options = {
      keepAlive: true,
      highWaterMark: READ_BYTES,
      proxyEnv: this.#env,
    };
    if (url.protocol === "http:") return new HttpAgent(options);
    const tls = await this.#settings.tls(registry);
    const rejectUnauthorized = tls.verify && !insecure;
    const secureContext = rejectUnauthorized || tls.cert !== undefined ? this.#secureContext(tls, registry) : undefined;
    return new HttpsAgent({
      ...options,
      rejectUnauthorized,
      ...(secureContext === undefined ? {} : { secureContext }),
    });
  }

  /** The CAs of the system count, as with every tool that is not Node's; it takes tens of milliseconds to read them. */
  #secureContext(tls: TlsSettings, registry: string): SecureContext {
    this.#systemCas ??= [...systemCas(this.#env), ...getCACertificates("extra")];
    try {
      return createSecureContext({
        ca: [...this.#systemCas, ...(tls.ca ?? [])],
        ...(tls.cert === undefined || tls.key === undefined ? {} : { cert: tls.cert, key: tls.key }),
      });
    } catch (error) {
      throw networkError(`use the certificates for ${registry}`, registry, error);
    }
  }
}

/** Where distributions keep all CAs in one file: Debian, Fedora, SUSE, Alpine. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** PEM; Node's own where the system has none. */
function systemCas(env: ProxyEnvironment): readonly string[] {
  const named = env["SSL_CERT_FILE"];
  for (const path of named === undefined || named === "" ? BUNDLES : [named]) {
    try {
      return [readFileSync(path, "utf8")];
    } catch (error) {
      if (systemErrorCode(error) === undefined) throw error;
    }
  }
  return getCACertificates("bundled");
}

// What a registry client asks of the machine's container settings: who to be, where to go, whom to trust, and which
// name a short name means. The facts: docs/formats/container-settings.md.
import type { ImageName, QualifiedName } from "../reference.ts";

export type Credentials = { readonly username: string; readonly password: string } | { readonly identityToken: string };

export interface Settings {
  /**
   * The most specific entry of the first auth file that has one, then credential helpers. An empty repository asks
   * for the registry as a whole. Throws SettingsError BAD_AUTH_FILE, BAD_REGISTRIES_CONF, HELPER_FAILED, IO, LIMIT.
   */
  credentials(registry: string, repository: string): Promise<Credentials | undefined>;
  /**
   * Where to pull from, in order: mirrors, then the location itself; rewrites applied. Throws SettingsError BLOCKED,
   * BAD_REGISTRIES_CONF.
   */
  endpoints(registry: string, repository: string, kind: "tag" | "digest"): Promise<readonly Endpoint[]>;
  /** Where to push to: the name itself, never a mirror or a rewrite. Throws as `endpoints`. */
  pushEndpoint(registry: string, repository: string): Promise<Endpoint>;
  /**
   * Whether registries.d lets attachments of an image be read and written, its scopes most specific first; undefined when
   * it says nothing. Throws SettingsError BAD_REGISTRIES_D.
   */
  usesAttachments(scopes: readonly string[]): Promise<boolean | undefined>;
  /** certs.d of the registry. `verify` is false only when the options say so. Throws SettingsError BAD_CERTS. */
  tls(registry: string): Promise<TlsSettings>;
  /**
   * All that a short name may mean, to be tried in order: its alias, else each unqualified-search registry. Throws
   * SettingsError UNKNOWN_SHORT_NAME, which names both places (the local store, the files searched), and
   * AMBIGUOUS_SHORT_NAME when there are several such registries and short-name-mode is enforcing.
   */
  shortNameCandidates(name: ImageName): Promise<readonly QualifiedName[]>;
}

export interface Endpoint {
  /** HOST[:PORT] to connect to. */
  readonly registry: string;
  readonly repository: string;
  /** Plain HTTP and certificates nobody vouches for are allowed. */
  readonly insecure: boolean;
}

export interface TlsSettings {
  /** PEM, in addition to the system's. */
  readonly ca?: readonly string[];
  /** PEM of the client's certificate and its key: both or neither. */
  readonly cert?: string;
  readonly key?: string;
  readonly verify: boolean;
}

/**
 * Runs `docker-credential-NAME VERB` with a text on standard input. Throws ProcessError NOT_INSTALLED; an exit code
 * other than 0 is returned, since "nothing stored" is one.
 */
export type RunHelper = (
  name: string,
  verb: "get" | "store" | "erase",
  input: string,
) => Promise<{ readonly exitCode: number; readonly stdout: string }>;

export interface SettingsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** --authfile: must be there and be read. */
  readonly authFile?: string;
  /** --cert-dir: the only directory of certificates, for every registry. */
  readonly certDir?: string;
  /** --registries-conf: the only file; no drop-ins. */
  readonly registriesConf?: string;
  /** --tls-verify; undefined leaves it to registries.conf. */
  readonly tlsVerify?: boolean;
  /** Home directory; default: $HOME, else the user's. */
  readonly home?: string;
  /** In place of the programs; for tests. */
  readonly runHelper?: RunHelper;
  /** Where the local store is, for messages. */
  readonly storeDescription?: string;
  /** Told what a short name was taken for: such a choice is never silent. */
  readonly notify?: (message: string) => void;
  /** What stands before /etc, /run, /usr and /var; default: nothing. For tests and for systems that are not running. */
  readonly systemRoot?: string;
  /** Default: the user of this process. */
  readonly uid?: number;
}

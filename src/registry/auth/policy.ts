// From options to rules, safe unless asked otherwise: off loopback nobody writes without credentials, and no password
// crosses a network in the clear.
import { isIP } from "node:net";
import { RegistryServerError } from "../error.ts";
import { Access } from "./access.ts";
import { ANONYMOUS, parseHtpasswd, Passwords } from "./htpasswd.ts";
import { ACTIONS, parsePermissions, type Rule, ruleFor } from "./permissions.ts";

/** A file's text, and its name for messages. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

export interface AccessPolicy {
  readonly host: string;
  readonly hasTls: boolean;
  readonly htpasswd?: TextFile;
  readonly permissions?: TextFile;
  /** Clients without credentials may pull although there are users. */
  readonly anonymousRead: boolean;
  /** Clients without credentials may push and delete, on any address. */
  readonly anonymousWrite: boolean;
  /** Passwords may cross the network in the clear. */
  readonly insecure: boolean;
  readonly readOnly: boolean;
  readonly now: () => number;
}

/** Throws RegistryServerError BAD_OPTION, BAD_HTPASSWD, BAD_PERMISSIONS. */
export async function makeAccess(policy: AccessPolicy): Promise<Access> {
  const { htpasswd, permissions, readOnly } = policy;
  if (htpasswd !== undefined && !policy.hasTls && !policy.insecure && !isLoopback(policy.host)) {
    throw new RegistryServerError(
      "BAD_OPTION",
      `cannot ask for passwords on ${policy.host}: without TLS everybody on the network reads them`,
      { hint: "Give --tls-cert and --tls-key, listen on 127.0.0.1 behind a proxy, or accept it with --insecure" },
    );
  }
  if (permissions !== undefined && htpasswd === undefined)
    throw new RegistryServerError("BAD_OPTION", "cannot use --permissions without users", {
      hint: "Give --htpasswd FILE, too",
    });
  const passwords =
    htpasswd === undefined ? undefined : new Passwords(parseHtpasswd(htpasswd.text, htpasswd.path), policy.now);
  const rules = [
    ...(permissions === undefined ? defaultRules(policy) : await parsePermissions(permissions.text, permissions.path)),
    ...(policy.anonymousRead ? [ruleFor(ANONYMOUS, ["pull"])] : []),
    ...(policy.anonymousWrite ? [ruleFor(ANONYMOUS, ACTIONS)] : []),
  ];
  return new Access({ ...(passwords === undefined ? {} : { passwords }), rules, readOnly });
}

function defaultRules({ htpasswd, host }: AccessPolicy): readonly Rule[] {
  if (htpasswd !== undefined) return [ruleFor("*", ACTIONS)];
  return [ruleFor(ANONYMOUS, isLoopback(host) ? ACTIONS : ["pull"])];
}

export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

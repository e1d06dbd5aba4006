// Errors of sockets and TLS, each as a sentence with its cure.
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import { RegistryError, type RegistryErrorCode } from "./error.ts";

interface Explanation {
  readonly code: RegistryErrorCode;
  readonly found: string;
  readonly hint: string;
  /** Worth another try; true unless told otherwise for UNREACHABLE. */
  readonly transient?: boolean;
}

const UNTRUSTED: Explanation = {
  code: "TLS",
  found: "nobody this machine trusts vouches for its certificate",
  hint: "Put the CA that signed it into /etc/containers/certs.d/HOST/ca.crt, or add --tls-verify=false if you accept anyone in between",
};

const SELF_SIGNED: Explanation = { ...UNTRUSTED, found: "its certificate is self-signed" };

const CLIENT_CERTIFICATE: Explanation = {
  code: "TLS",
  found: "it wants a client certificate, or another one",
  hint: "Put the certificate and its key into /etc/containers/certs.d/HOST/client.cert and client.key",
};

const PLAIN_HTTP: Explanation = {
  code: "TLS",
  found: "it does not speak TLS on this port",
  hint: "Add --tls-verify=false if it is meant to be used without encryption",
};

const BY_CODE: Readonly<Record<string, Explanation>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: SELF_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_UNTRUSTED: UNTRUSTED,
  CERT_HAS_EXPIRED: {
    code: "TLS",
    found: "its certificate has expired",
    hint: "Check the clock of this machine, or have the registry's certificate renewed",
  },
  CERT_NOT_YET_VALID: {
    code: "TLS",
    found: "its certificate is not valid yet",
    hint: "Check the clock of this machine",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: "TLS",
    found: "its certificate is for another host",
    hint: "Use the host name that the certificate has, or add --tls-verify=false if you accept anyone in between",
  },
  EPROTO: PLAIN_HTTP,
  ERR_SSL_WRONG_VERSION_NUMBER: PLAIN_HTTP,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: PLAIN_HTTP,
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: CLIENT_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: CLIENT_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: CLIENT_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: CLIENT_CERTIFICATE,
  ENOTFOUND: {
    code: "UNREACHABLE",
    found: "no name server knows the host",
    hint: "Check the name of the registry",
    transient: false,
  },
  EAI_AGAIN: { code: "UNREACHABLE", found: "the name server does not answer", hint: "Check the network connection" },
  ECONNREFUSED: { code: "UNREACHABLE", found: "nothing listens there", hint: "Check host and port of the registry" },
  ECONNRESET: { code: "UNREACHABLE", found: "it closed the connection", hint: "Try again later" },
  EPIPE: { code: "UNREACHABLE", found: "it closed the connection", hint: "Try again later" },
};

/** `attempt` is what was tried: `read manifest "a" of docker://host/name`. */
export function networkError(attempt: string, host: string, cause: unknown): RegistryError {
  const code = systemErrorCode(cause) ?? "";
  if (code.startsWith("HPE_")) {
    return new RegistryError("BAD_RESPONSE", `cannot ${attempt}: ${host} sends something that is no HTTP answer`, {
      hint: "Check that host and port belong to a registry",
      cause,
      data: { host, found: code },
    });
  }
  const known: Explanation | undefined =
    BY_CODE[code] ??
    (code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_")
      ? { code: "TLS", found: `TLS failed (${code})`, hint: "Check that host and port belong to a registry" }
      : undefined);
  const found = known?.found ?? `the connection failed (${code === "" ? messageOf(cause).slice(0, 100) : code})`;
  const kind = known?.code ?? "UNREACHABLE";
  return new RegistryError(kind, `cannot ${attempt}: ${host} cannot be used: ${found}`, {
    hint: (known?.hint ?? "Check the network connection, and proxies if there are any").replaceAll("HOST", host),
    cause,
    data: { host, found: code },
    transient: kind === "UNREACHABLE" && (known?.transient ?? true),
  });
}

export function timeoutError(attempt: string, host: string, what: string, timeoutMs: number): RegistryError {
  return new RegistryError("TIMEOUT", `cannot ${attempt}: ${host} ${what} for ${timeoutMs / 1000} s`, {
    hint: "Check the network connection, then try again",
    data: { host, timeoutMs },
    transient: true,
  });
}

// WWW-Authenticate headers (RFC 9110 section 11, RFC 6750 section 3): what a registry wants to be shown. Only Basic and
// Bearer are kept. Refused by being left out: other schemes, and what comes after the first malformed place.

export type Challenge =
  | { readonly scheme: "basic"; readonly realm: string }
  | {
      readonly scheme: "bearer";
      readonly realm: string;
      readonly service: string | undefined;
      readonly scope: string | undefined;
      readonly error: string | undefined;
    };

/** Longer headers are no challenge of a registry. */
const MAX_LENGTH = 8 * 1024;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy;
const EQUALS = /[ \t]*=[ \t]*/y;
const SPACES = /[ \t]+/y;
const SEPARATORS = /[ \t,]*/y;

/** The challenges of a header; several header lines come joined by a comma, as node:http has them. */
export function parseChallenges(header: string): readonly Challenge[] {
  if (header.length > MAX_LENGTH) return [];
  const scanner = new Scanner(header);
  const challenges: Challenge[] = [];
  scanner.take(SEPARATORS);
  for (;;) {
    const scheme = scanner.take(TOKEN)?.[0];
    if (scheme === undefined) return challenges;
    const hasMore = scanner.take(SPACES) !== null && scanner.take(TOKEN68) === null;
    const challenge = makeChallenge(scheme.toLowerCase(), hasMore ? takeParameters(scanner) : new Map());
    if (challenge !== undefined) challenges.push(challenge);
    if (scanner.take(SEPARATORS)?.[0] === "") return challenges;
  }
}

/** `name=value` pairs up to the next scheme: a word that no equals sign follows. */
function takeParameters(scanner: Scanner): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (;;) {
    const start = scanner.at;
    scanner.take(SEPARATORS);
    const name = scanner.take(TOKEN)?.[0].toLowerCase();
    const hasValue = name !== undefined && scanner.take(EQUALS) !== null;
    const quoted = hasValue ? scanner.take(QUOTED)?.[1] : undefined;
    const value = quoted?.replaceAll(/\\(.)/gs, "$1") ?? (hasValue ? scanner.take(TOKEN)?.[0] : undefined);
    if (name === undefined || value === undefined) {
      scanner.at = start;
      return parameters;
    }
    if (!parameters.has(name)) parameters.set(name, value);
  }
}

class Scanner {
  readonly #text: string;
  at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.at = pattern.lastIndex;
    return match;
  }
}

function makeChallenge(scheme: string, parameters: ReadonlyMap<string, string>): Challenge | undefined {
  const realm = parameters.get("realm");
  if (scheme === "basic") return { scheme, realm: realm ?? "" };
  if (scheme !== "bearer" || realm === undefined) return undefined;
  return {
    scheme,
    realm,
    service: parameters.get("service"),
    scope: parameters.get("scope"),
    error: parameters.get("error"),
  };
}

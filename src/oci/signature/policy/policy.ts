// Signature policies, containers-policy.json(5): what an image must fulfil, by the transport and the place it comes
// from. Strict, as the format demands: unknown, doubled or missing members refuse the whole file.
import { messageOf } from "../../../base/errors.ts";
import { SignatureError } from "../error.ts";
import { parseStrictJson } from "../strict-json.ts";
import { knownMembers, plainList, plainObject } from "./members.ts";
import { type Requirement, readRequirement } from "./requirement.ts";

export interface Policy {
  /** The file it was read from, or what stands in for one. */
  readonly source: string;
  readonly default: readonly Requirement[];
  /** By transport and scope; the scope "" is the transport's default. */
  readonly transports: ReadonlyMap<string, ReadonlyMap<string, readonly Requirement[]>>;
}

export const MAX_POLICY_BYTES: number = 4 * 1024 * 1024;
const PATH_TRANSPORTS: ReadonlySet<string> = new Set(["oci", "oci-archive", "dir", "sif"]);
const SCOPELESS_TRANSPORTS: ReadonlySet<string> = new Set(["docker-archive", "tarball"]);

/** Throws SignatureError BAD_POLICY. */
export function parsePolicy(bytes: Uint8Array, source: string): Policy {
  if (bytes.length > MAX_POLICY_BYTES) throw badPolicy(source, `${bytes.length} bytes, more than ${MAX_POLICY_BYTES}`);
  try {
    return readPolicy(parseStrictJson(bytes), source);
  } catch (error) {
    throw badPolicy(source, messageOf(error), error);
  }
}

function readPolicy(value: unknown, source: string): Policy {
  const policy = knownMembers(value, "policy", ["default", "transports"]);
  const transports = Object.entries(plainObject(policy["transports"] ?? {}, "transports"));
  return {
    source,
    default: readRequirements(policy["default"], "default"),
    transports: new Map(transports.map(([name, scopes]) => [name, readScopes(name, scopes)])),
  };
}

function readScopes(transport: string, value: unknown): ReadonlyMap<string, readonly Requirement[]> {
  const scopes = Object.entries(plainObject(value, `transports.${transport}`));
  return new Map(
    scopes.map(([scope, requirements]) => {
      assertScope(transport, scope);
      return [scope, readRequirements(requirements, `transports.${transport}[${JSON.stringify(scope)}]`)];
    }),
  );
}

/** A scope that can match nothing is a mistake that must not pass for a rule. */
function assertScope(transport: string, scope: string): void {
  if (scope === "") return;
  const name = `${transport}[${JSON.stringify(scope)}]`;
  if (SCOPELESS_TRANSPORTS.has(transport)) throw new SyntaxError(`${name}: the transport has only the scope ""`);
  if (!PATH_TRANSPORTS.has(transport)) return;
  const isPath =
    scope.startsWith("/") &&
    !scope
      .slice(1)
      .split("/")
      .some((part) => ["", ".", ".."].includes(part));
  if (!isPath) throw new SyntaxError(`${name}: wanted is an absolute path without ".", ".." and final "/"`);
}

function readRequirements(value: unknown, where: string): readonly Requirement[] {
  const list = plainList(value, where);
  if (list.length === 0) throw new SyntaxError(`${where} is an empty list; write insecureAcceptAnything or reject`);
  return list.map((item, index) => readRequirement(item, `${where}[${index}]`));
}

function badPolicy(source: string, found: string, cause?: unknown): SignatureError {
  return new SignatureError("BAD_POLICY", `cannot use the signature policy ${source}: ${found}`, {
    hint: "Correct it as containers-policy.json(5) has it; until then no image is accepted",
    ...(cause === undefined ? {} : { cause }),
    data: { path: source },
  });
}

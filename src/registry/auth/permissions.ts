// Who may do what in which repositories. Rules add up; what no rule allows is refused. The file is TOML:
//
//   [[allow]]
//   users = ["alice", "*"]            # "*": whoever has logged in; "anonymous": everybody
//   repositories = ["team/**"]        # *: within a part of a name, **: any number of parts
//   actions = ["pull", "push", "delete"]
import { messageOf } from "../../base/errors.ts";
import { RegistryServerError } from "../error.ts";
import type { Action } from "../http/route.ts";
import type { RepositoryName } from "../names.ts";
import { ANONYMOUS } from "./htpasswd.ts";

export interface Rule {
  readonly users: readonly string[];
  readonly repositories: readonly RegExp[];
  readonly actions: readonly Action[];
}

export const ACTIONS: readonly Action[] = ["pull", "push", "delete"];
const MAX_RULES = 10_000;

/** Everywhere. */
export function ruleFor(user: string, actions: readonly Action[]): Rule {
  return { users: [user], repositories: [patternOf("**")], actions };
}

/** `user` undefined: a client without credentials. */
export function isPermitted(
  rules: readonly Rule[],
  user: string | undefined,
  action: Action,
  name: RepositoryName | undefined,
): boolean {
  return rules.some(
    ({ users, repositories, actions }) =>
      actions.includes(action) &&
      (users.includes(ANONYMOUS) || (user !== undefined && (users.includes("*") || users.includes(user)))) &&
      // Without a name: is there any repository at all?
      (name === undefined || repositories.some((pattern) => pattern.test(name))),
  );
}

/** Throws RegistryServerError BAD_PERMISSIONS. */
export async function parsePermissions(text: string, document: string): Promise<readonly Rule[]> {
  const { parse } = await import("smol-toml");
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw bad(document, messageOf(cause).split("\n")[0] ?? "", cause);
  }
  const { allow, ...others } = value as { allow?: unknown };
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw bad(document, `${JSON.stringify(unknown)} is unknown, want [[allow]]`);
  if (!Array.isArray(allow) || allow.length > MAX_RULES) throw bad(document, `want 1 to ${MAX_RULES} [[allow]]`);
  return allow.map((entry, index) => readRule(entry, `rule ${index + 1}`, document));
}

function readRule(entry: unknown, where: string, document: string): Rule {
  const { users, repositories, actions, ...others } = entry as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw bad(document, `${where} has ${JSON.stringify(unknown)}: want users, repositories, actions`);
  const texts = (value: unknown, field: string): readonly string[] => {
    if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string")) return value;
    throw bad(document, `${where} has no list of texts for ${field}`);
  };
  const asked = texts(actions, "actions");
  const wrong = asked.find((action) => !ACTIONS.some((known) => known === action));
  if (wrong !== undefined)
    throw bad(document, `${where} has action ${JSON.stringify(wrong)}: want ${ACTIONS.join(", ")}`);
  const patterns = texts(repositories, "repositories");
  const strange = patterns.find((pattern) => !/^[a-z0-9._/*-]+$/.test(pattern));
  if (strange !== undefined)
    throw bad(document, `${where} has ${JSON.stringify(strange)}, which matches no repository`);
  return { users: texts(users, "users"), repositories: patterns.map(patternOf), actions: asked as Action[] };
}

/** `a/**` means `a/…`, not `a` itself. */
function patternOf(glob: string): RegExp {
  const source = glob
    .replace(/[.]/g, "\\.")
    .split("**")
    .map((part) => part.replaceAll("*", "[^/]*"))
    .join(".*");
  return new RegExp(`^${source}$`);
}

function bad(document: string, found: string, cause?: unknown): RegistryServerError {
  return new RegistryServerError("BAD_PERMISSIONS", `cannot read permissions of ${document}: ${found}`, {
    hint: 'Write [[allow]] with users = ["…"], repositories = ["team/**"], actions = ["pull", "push", "delete"]',
    ...(cause === undefined ? {} : { cause }),
  });
}

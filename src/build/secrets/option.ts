// `--secret id=NAME,src=FILE`, `id=NAME,env=VARIABLE`, `type=file|env`, as buildah-build(1) and BuildKit read it. A value is
// never part of a message. Refused: what is no regular file, and more than MAX_SECRET_BYTES.
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { systemErrorCode } from "../../base/errors.ts";
import { BuildError } from "../error.ts";
import type { Secret } from "./secret.ts";

/** What BuildKit and podman allow. */
export const MAX_SECRET_BYTES: number = 500 * 1024;

const HINT = "Write it as --secret id=NAME,src=FILE or --secret id=NAME,env=VARIABLE";

type Key = "id" | "src" | "env" | "type";
const KEYS: Readonly<Record<string, Key>> = { id: "id", src: "src", source: "src", env: "env", type: "type" };

/**
 * Without src and env: the variable of that name when there is one, else the file of that name. `cwd` is where relative
 * files are. Throws BuildError BAD_VALUE, NOT_FOUND, LIMIT.
 */
export async function parseSecretOption(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<Secret> {
  const fields = parseFields(text);
  const id = fields.get("id");
  if (id === undefined || id === "") throw badOption(text, "it names no id");
  const origin = originOf(id, fields, text, env, cwd);
  const bytes = origin.type === "env" ? readVariable(id, origin.name, env) : await readSecretFile(id, origin.path);
  if (bytes.length > MAX_SECRET_BYTES) throw tooLarge(id, bytes.length);
  return { id, bytes, origin };
}

function parseFields(text: string): ReadonlyMap<Key, string> {
  const fields = new Map<Key, string>();
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    const name = part.slice(0, Math.max(at, 0)).trim();
    const key = KEYS[name.toLowerCase()];
    // What stands there may be the secret itself, mistyped: only the name of a field is shown.
    if (at < 0) throw badOption(undefined, 'a part of it has no "="');
    if (key === undefined)
      throw badOption(undefined, `it has a field ${JSON.stringify(name)}, want id, src, env or type`);
    if (fields.has(key)) throw badOption(text, `it has ${key} twice`);
    fields.set(key, part.slice(at + 1));
  }
  return fields;
}

function originOf(
  id: string,
  fields: ReadonlyMap<Key, string>,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): NonNullable<Secret["origin"]> {
  const [src, variable, type] = [fields.get("src"), fields.get("env"), fields.get("type")];
  if (type !== undefined && type !== "file" && type !== "env")
    throw badOption(text, "its type is neither file nor env");
  if (src !== undefined && variable !== undefined) throw badOption(text, "it has both src and env");
  if (variable !== undefined && type === "file") throw badOption(text, "its type is file, but it has env");
  const isVariable = type === "env" || variable !== undefined || (type === undefined && src === undefined && id in env);
  return isVariable ? { type: "env", name: variable ?? src ?? id } : { type: "file", path: resolve(cwd, src ?? id) };
}

function readVariable(id: string, name: string, env: Readonly<Record<string, string | undefined>>): Uint8Array {
  const value = env[name];
  if (value !== undefined) return Buffer.from(value, "utf8");
  throw new BuildError(
    "NOT_FOUND",
    `cannot read secret ${JSON.stringify(id)}: the environment has no variable ${JSON.stringify(name)}`,
    { hint: "Export the variable, or name a file with src=FILE" },
  );
}

async function readSecretFile(id: string, path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > MAX_SECRET_BYTES) throw tooLarge(id, size);
    return await readFile(path);
  } catch (error) {
    if (error instanceof BuildError) throw error;
    throw new BuildError(
      "NOT_FOUND",
      `cannot read secret ${JSON.stringify(id)} from ${path}: ${systemErrorCode(error) ?? "it cannot be opened"}`,
      { hint: "Check src= and the permissions of the file", cause: error },
    );
  }
}

function badOption(text: string | undefined, why: string): BuildError {
  const id = /(?:^|,)id=([^,]*)/i.exec(text ?? "")?.[1];
  const which = id === undefined ? "--secret" : `--secret of id ${JSON.stringify(id)}`;
  return new BuildError("BAD_VALUE", `cannot use ${which}: ${why}`, { hint: HINT });
}

function tooLarge(id: string, sizeBytes: number): BuildError {
  return new BuildError(
    "LIMIT",
    `cannot use secret ${JSON.stringify(id)}: it has ${sizeBytes} bytes, the limit is ${MAX_SECRET_BYTES}`,
  );
}

// registries.d: containers-registries.d(5), of which `use-sigstore-attachments` counts here. All *.yaml files of one
// directory are one; refused is what is no YAML, values of a wrong type, and a scope that comes twice. As in
// containers/image a scope that does not say it leaves it to the next wider one.
import { join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { SettingsError } from "./error.ts";
import type { Places } from "./places.ts";
import { listSettingsDirectory, readSettingsFile } from "./read-file.ts";

export interface RegistriesD {
  /** By scope, a name or the part in front of it; "" is `default-docker`. */
  readonly usesAttachments: ReadonlyMap<string, boolean | undefined>;
}

/** Real ones have a few hundred bytes; deep nesting takes the parser long. */
const MAX_FILE_BYTES = 64 * 1024;

/** The first scope that says it decides, else the default; undefined when nothing is said. */
export function usesAttachments(
  { usesAttachments: said }: RegistriesD,
  scopes: readonly string[],
): boolean | undefined {
  return [...scopes, ""].map((scope) => said.get(scope)).find((value) => value !== undefined);
}

/** Throws SettingsError BAD_REGISTRIES_D, IO, LIMIT. */
export async function readRegistriesD(places: Places): Promise<RegistriesD> {
  const said = new Map<string, boolean | undefined>();
  const origins = new Map<string, string>();
  for (const directory of places.registriesDirs) {
    const names = await listSettingsDirectory(directory);
    if (names === undefined) continue;
    for (const name of names.filter((each) => each.endsWith(".yaml"))) {
      const path = join(directory, name);
      for (const [scope, value] of await parseRegistriesD((await readSettingsFile(path, MAX_FILE_BYTES)) ?? "", path)) {
        const before = origins.get(scope);
        if (before !== undefined)
          throw badFile(path, `${scope === "" ? "default-docker" : JSON.stringify(scope)} stands in ${before} too`);
        said.set(scope, value);
        origins.set(scope, path);
      }
    }
    break;
  }
  return { usesAttachments: said };
}

/** Throws SettingsError BAD_REGISTRIES_D. */
export async function parseRegistriesD(
  text: string,
  path: string,
): Promise<readonly (readonly [scope: string, usesAttachments: boolean | undefined])[]> {
  // CommonJS: in the bundle it has a default and no names.
  const { default: yaml } = await import("yaml");
  let root: unknown;
  try {
    // Scalars stay texts: which of them are booleans differs between versions of YAML.
    root = yaml.parse(text, { schema: "failsafe", logLevel: "error", prettyErrors: false });
  } catch (error) {
    throw badFile(path, `it is no YAML: ${messageOf(error).split("\n")[0]}`, error);
  }
  const document = mapping(root, "the file", path);
  const sections = Object.entries(mapping(document["docker"], "docker", path));
  const all = document["default-docker"];
  if (!isNothing(all)) sections.push(["", all]);
  return sections.map(([scope, section]) => {
    const name = scope === "" ? "default-docker" : `docker.${JSON.stringify(scope)}`;
    return [scope, bool(mapping(section, name, path)[KEY], `${name}.${KEY}`, path)];
  });
}

const KEY = "use-sigstore-attachments";

function bool(value: unknown, key: string, path: string): boolean | undefined {
  if (isNothing(value)) return undefined;
  if (typeof value === "string" && /^(true|yes|on|y)$/i.test(value)) return true;
  if (typeof value === "string" && /^(false|no|off|n)$/i.test(value)) return false;
  throw badFile(path, `${key} is ${JSON.stringify(value).slice(0, 100)}, want true or false`);
}

function mapping(value: unknown, key: string, path: string): Readonly<Record<string, unknown>> {
  if (isNothing(value)) return {};
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw badFile(path, `${key} is ${JSON.stringify(value).slice(0, 100)}, want a mapping`);
}

/** A key without a value, or with YAML's word for none. */
function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === "" || value === "~" || value === "null";
}

function badFile(path: string, found: string, cause?: unknown): SettingsError {
  return new SettingsError("BAD_REGISTRIES_D", `cannot read ${path}: ${found}`, {
    hint: "Mend the file as containers-registries.d(5) has it",
    data: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}

// Short names: `debian:trixie` as a full name, by alias or by the registries that registries.conf lists for it, as
// containers-registries.conf(5) has it for a program without a terminal. No registry is ever implied.
import { formatImageName, type ImageName, type QualifiedName, repositoryAt, storeName } from "../reference.ts";
import { SettingsError } from "./error.ts";
import type { Registries } from "./registries.ts";

export interface ShortNameResult {
  /** To be tried in order; at least one. */
  readonly candidates: readonly QualifiedName[];
  /** Why these, in one sentence; undefined for a name that was full already. */
  readonly explanation?: string;
}

/** Throws SettingsError UNKNOWN_SHORT_NAME, AMBIGUOUS_SHORT_NAME. */
export function expandShortName(
  name: ImageName,
  registries: Registries,
  storeDescription: string | undefined,
): ShortNameResult {
  const { registry, ...short } = name;
  if (registry !== undefined) return { candidates: [{ ...short, registry }] };
  const text = formatImageName(name);
  const alias = registries.aliases.get(name.repository);
  if (alias !== undefined) {
    const full = { ...short, ...alias.target };
    return {
      candidates: [full],
      explanation: `${text} is ${formatImageName(full)}, by an alias in ${alias.origin}`,
    };
  }
  const candidates = registries.searchRegistries.map((host) => ({
    ...short,
    registry: host,
    repository: repositoryAt(host, name.repository),
  }));
  const [first] = candidates;
  if (first === undefined) throw unknownShortName(name, registries, storeDescription);
  if (candidates.length > 1 && registries.shortNameMode === "enforcing")
    throw ambiguousShortName(text, candidates, `${registries.searchOrigin} has short-name-mode = "enforcing"`);
  const meaning = candidates.map((candidate) => formatImageName(candidate)).join(" or ");
  return {
    candidates,
    explanation: `${text} is taken for ${meaning}, by unqualified-search-registries in ${registries.searchOrigin}`,
  };
}

function ambiguousShortName(text: string, candidates: readonly QualifiedName[], why: string): SettingsError {
  const names = candidates.map((candidate) => formatImageName(candidate));
  return new SettingsError(
    "AMBIGUOUS_SHORT_NAME",
    `cannot tell what ${text} is: it may be ${names.join(" or ")}; ${why}`,
    {
      hint: `Write the whole name, for instance ${names[0]}`,
      data: { name: text },
    },
  );
}

function unknownShortName(name: ImageName, registries: Registries, store: string | undefined): SettingsError {
  const text = formatImageName(name);
  const searched = registries.isConfigured
    ? `no file of registries.conf has an alias for ${name.repository} (${registries.files.join(", ")})`
    : `there is no registries.conf with an alias for it (looked for ${registries.files.join(", ")})`;
  return new SettingsError(
    "UNKNOWN_SHORT_NAME",
    `cannot find image ${JSON.stringify(text)}: the local store${store === undefined ? "" : ` (${store})`} has no ${storeName(name)}, and ${searched}`,
    {
      hint: `Write the name with its registry, HOST/${text}, or build the image first`,
      data: { name: text, store: store ?? null },
    },
  );
}

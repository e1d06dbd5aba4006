// What one logs in to: a registry, or a part of one, as login commands take it. Refused: tags, digests, bare words.
import { parseImageName } from "../reference.ts";
import { SettingsError } from "./error.ts";

/** A registry, or a part of one: the key of the auth file is HOST or HOST/NAMESPACE. */
export interface LoginTarget {
  readonly registry: string;
  /** Empty: all of the registry. */
  readonly namespace: string;
}

/** `HOST[:PORT][/NAMESPACE]`, also with https:// before it. Throws SettingsError BAD_OPTION. */
export function parseLoginTarget(text: string): LoginTarget {
  const name = text.replace(/^https?:\/\//, "").replace(/\/$/, "");
  const slash = name.indexOf("/");
  const namespace = slash < 0 ? "" : name.slice(slash + 1);
  try {
    // Two more parts make it the name of an image, and keep Docker Hub's library/ away.
    const image = parseImageName(`${name}/x/x`);
    if (image.registry !== undefined) return { registry: image.registry, namespace };
  } catch {
    // Said below in the words of a login.
  }
  throw new SettingsError(
    "BAD_OPTION",
    `cannot log in to ${JSON.stringify(text.slice(0, 200))}: it names no registry`,
    {
      hint: "Write HOST[:PORT] or HOST[:PORT]/NAMESPACE, as in registry.example:5000",
    },
  );
}

// slipway logout: forgets one login or all of them.
import { parseLoginTarget, removeAllCredentials, removeCredentials, SettingsError } from "../../oci/index.ts";
import type { CommandFunction } from "../app.ts";
import { settingsOptionsOf } from "../settings.ts";

export const logout: CommandFunction = async (context, [name], options) => {
  const settings = settingsOptionsOf(context, options);
  const all = options["all"] === true;
  if (all === (name !== undefined)) {
    throw new SettingsError("BAD_OPTION", "cannot log out: want either a registry or --all", {
      hint: "See slipway logout --help",
    });
  }
  if (name === undefined) {
    const path = await removeAllCredentials(settings);
    return { text: `Removed all logins from ${path}\n`, data: { removedFrom: path } };
  }
  const removedFrom = await removeCredentials(settings, parseLoginTarget(name));
  return { text: `Removed the login to ${name} from ${removedFrom}\n`, data: { registry: name, removedFrom } };
};

// slipway login: asks for what it was not told, shows it to the registry, and keeps it only when the registry agrees.
import {
  type Credentials,
  type LoginTarget,
  openSettings,
  parseLoginTarget,
  SettingsError,
  type SettingsOptions,
  storeCredentials,
  verifyLogin,
} from "../../oci/index.ts";
import type { CommandFunction, CommandResult } from "../app.ts";
import type { Context } from "../context.ts";
import { ask, readStdin } from "../prompt.ts";
import { settingsOptionsOf } from "../settings.ts";
import { VERSION } from "../version.ts";

type Options = Readonly<Record<string, unknown>>;
type Password = Extract<Credentials, { readonly password: string }>;

export const login: CommandFunction = async (context, [name = ""], options) => {
  const target = parseLoginTarget(name);
  const settings = settingsOptionsOf(context, options);
  if (options["getLogin"] === true) return getLogin(target, name, settings);
  const credentials = await askCredentials(context, name, options);
  await verifyLogin(target, credentials, {
    settings,
    userAgent: `slipway/${VERSION}`,
    signal: context.signal,
    onRetry: (message) => context.progress.warn(message),
  });
  const keptIn = await storeCredentials(settings, target, credentials);
  return {
    text: `Logged in to ${name} as ${credentials.username}; kept in ${keptIn}\n`,
    data: { registry: name, username: credentials.username, keptIn },
  };
};

async function getLogin(target: LoginTarget, name: string, options: SettingsOptions): Promise<CommandResult> {
  const found = await openSettings(options).credentials(target.registry, target.namespace);
  if (found === undefined) {
    throw new SettingsError("NOT_LOGGED_IN", `cannot say who is logged in to ${name}: nobody is`, {
      hint: `Log in: slipway login ${name}`,
    });
  }
  const username = "username" in found ? found.username : "<token>";
  return { text: `${username}\n`, data: { registry: name, username } };
}

/** From options, standard input, or the terminal. Throws SettingsError BAD_OPTION, PromptError. */
async function askCredentials(context: Context, name: string, options: Options): Promise<Password> {
  const { username: givenUser, password: givenPassword, passwordStdin } = options;
  const { signal } = context;
  const instead = `Give both without a terminal: slipway login --username USER --password-stdin ${name} < FILE`;
  if (passwordStdin === true && (typeof givenUser !== "string" || givenPassword !== undefined)) {
    throw new SettingsError("BAD_OPTION", "cannot log in: --password-stdin wants --username and no --password", {
      hint: instead,
    });
  }
  if (typeof givenPassword === "string")
    context.progress.warn("--password shows the password to other users of this machine and to the shell's history");
  const username = typeof givenUser === "string" ? givenUser : await ask("Username: ", { instead, signal });
  if (username === "" || username.includes(":")) {
    throw new SettingsError("BAD_OPTION", `cannot log in as ${JSON.stringify(username)}: want a name without colon`, {
      hint: instead,
    });
  }
  if (passwordStdin === true) return { username, password: await readStdin() };
  if (typeof givenPassword === "string") return { username, password: givenPassword };
  return { username, password: await ask("Password: ", { isSecret: true, instead, signal }) };
}

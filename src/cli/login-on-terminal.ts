// Asks for credentials in the middle of another command, as `slipway login` does.
import type { Context } from "./context.ts";
import { isInteractive } from "./prompt.ts";

/** False when there is nobody to ask. Throws what `login` throws. */
export async function loginOnTerminal(
  context: Context,
  registry: string,
  options: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  if (context.json || !isInteractive()) return false;
  context.stderr(`${registry} asks for a login\n`);
  const { login } = await import("./commands/login.ts");
  const { authfile, certDir, registriesConf, tlsVerify } = options;
  const { text } = await login(context, [registry], { authfile, certDir, registriesConf, tlsVerify });
  context.stderr(text);
  return true;
}

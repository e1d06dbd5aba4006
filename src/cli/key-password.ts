// The password of a private key: from the environment, as cosign has it, else asked for.
import type { Context } from "./context.ts";
import { ask } from "./prompt.ts";

export const PASSWORD_INSTEAD = "Set COSIGN_PASSWORD or SLIPWAY_KEY_PASSWORD";

/** An empty password is one. */
export function keyPasswordFromEnvironment({ env }: Context): string | undefined {
  return env["SLIPWAY_KEY_PASSWORD"] ?? env["COSIGN_PASSWORD"];
}

/** Throws PromptError. */
export async function keyPassword(context: Context): Promise<string> {
  const question = "Password of the private key: ";
  return keyPasswordFromEnvironment(context) ?? (await ask(question, { isSecret: true, instead: PASSWORD_INSTEAD }));
}

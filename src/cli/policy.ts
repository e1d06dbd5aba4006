// The signature policy that a command goes by.
import { homedir } from "node:os";
import { loadPolicy, type Policy } from "../oci/index.ts";
import type { Context } from "./context.ts";

/** `--policy`, else the user's, else the machine's; says so when there is none. Call it once. Throws SignatureError. */
export function policyOf(context: Context, options: Readonly<Record<string, unknown>>): Promise<Policy> {
  const { policy } = options;
  return loadPolicy({
    path: typeof policy === "string" ? policy : undefined,
    home: context.env["HOME"] ?? homedir(),
    notice: (message) => context.progress.warn(message),
  });
}

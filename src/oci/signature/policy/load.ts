// Finds the policy: the file that was named, else the user's, else the machine's. Without any, every image is accepted,
// and that is said. A file that is there and cannot be read or understood refuses everything.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, systemErrorCode } from "../../../base/errors.ts";
import { SignatureError } from "../error.ts";
import { MAX_POLICY_BYTES, parsePolicy, type Policy } from "./policy.ts";

export interface LoadPolicyOptions {
  /** `--policy`: this file and no other; it must be there. */
  readonly path?: string | undefined;
  /** The user's home directory. */
  readonly home: string;
  /** `/etc/containers` unless told otherwise. */
  readonly systemDirectory?: string;
  /** Told once when there is no policy. */
  readonly notice?: (message: string) => void;
}

/** Throws SignatureError BAD_POLICY. Call it once a command. */
export async function loadPolicy(options: LoadPolicyOptions): Promise<Policy> {
  if (options.path !== undefined) {
    const policy = await readPolicyFile(options.path);
    if (policy !== undefined) return policy;
    throw unreadable(options.path, "it does not exist");
  }
  const paths = [
    join(options.home, ".config/containers/policy.json"),
    join(options.systemDirectory ?? "/etc/containers", "policy.json"),
  ];
  for (const path of paths) {
    const policy = await readPolicyFile(path);
    if (policy !== undefined) return policy;
  }
  options.notice?.(`no signature policy (${paths.join(", ")}): images are accepted unsigned`);
  return { source: "no policy.json", default: [{ type: "insecureAcceptAnything" }], transports: new Map() };
}

async function readPolicyFile(path: string): Promise<Policy | undefined> {
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path);
    if (size > MAX_POLICY_BYTES) throw unreadable(path, `it has ${size} bytes, more than ${MAX_POLICY_BYTES}`);
    bytes = await readFile(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return undefined;
    if (error instanceof SignatureError) throw error;
    throw unreadable(path, messageOf(error), error);
  }
  return parsePolicy(bytes, path);
}

function unreadable(path: string, found: string, cause?: unknown): SignatureError {
  return new SignatureError("BAD_POLICY", `cannot read the signature policy ${path}: ${found}`, {
    hint: "Make it readable or remove it; until then no image is accepted",
    ...(cause === undefined ? {} : { cause }),
    data: { path },
  });
}

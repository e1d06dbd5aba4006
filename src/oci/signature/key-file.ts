// Key files: small, and what is wrong with reading them is said.
import { open } from "node:fs/promises";
import { messageOf, systemErrorCode } from "../../base/errors.ts";
import { SignatureError } from "./error.ts";
import { MAX_KEY_BYTES, parsePublicKey, type PublicKey } from "./public-key.ts";

/** Throws SignatureError BAD_KEY. */
export async function readPublicKey(path: string): Promise<PublicKey> {
  return parsePublicKey(await readKeyFile(path), path);
}

/** The text of a key file; of a larger file only so much that it is refused as too large. Throws SignatureError BAD_KEY. */
export async function readKeyFile(path: string): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { bytesRead, buffer } = await file.read(Buffer.alloc(MAX_KEY_BYTES + 1));
    return buffer.toString("latin1", 0, bytesRead);
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    throw new SignatureError("BAD_KEY", `cannot read the key ${path}: ${messageOf(error)}`, {
      hint: "Check the path; `slipway key generate` makes a key pair",
      cause: error,
      data: { path },
    });
  }
}

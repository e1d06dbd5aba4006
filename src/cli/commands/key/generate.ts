// `slipway key generate`: a key pair as `cosign generate-key-pair` makes it, in two new files.
import { writeFile } from "node:fs/promises";
import { systemErrorCode } from "../../../base/errors.ts";
import { IoError, writeError } from "../../../base/io/index.ts";
import { generateKeyPair, SignatureError } from "../../../oci/index.ts";
import type { CommandFunction } from "../../app.ts";
import type { Context } from "../../context.ts";
import { keyPasswordFromEnvironment, PASSWORD_INSTEAD } from "../../key-password.ts";
import { ask } from "../../prompt.ts";

const PRIVATE_MODE = 0o600;

export const keyGenerate: CommandFunction = async (context, _args, options) => {
  const prefix = String(options["outputKeyPrefix"]);
  const [privateFile, publicFile] = [`${prefix}.key`, `${prefix}.pub`];
  const { privatePem, publicPem } = await generateKeyPair(await newPassword(context));
  await writeNew(privateFile, privatePem, PRIVATE_MODE);
  await writeNew(publicFile, publicPem, 0o644);
  return {
    text: `private key: ${privateFile}\npublic key:  ${publicFile}\n`,
    data: { privateKey: privateFile, publicKey: publicFile },
  };
};

async function newPassword(context: Context): Promise<string> {
  const given = keyPasswordFromEnvironment(context);
  if (given !== undefined) return given;
  const options = { isSecret: true, instead: PASSWORD_INSTEAD };
  const password = await ask("Password for the private key: ", options);
  if ((await ask("The same again: ", options)) === password) return password;
  throw new SignatureError("BAD_PASSWORD", "cannot make a key pair: the two passwords differ", {
    hint: "Run the command again",
  });
}

/** A key that is overwritten is lost. */
async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx", mode, flush: true });
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST") throw writeError(path, error);
    throw new IoError("EXISTS", `cannot write ${path}: it exists, and a key that is overwritten is lost`, {
      hint: "Choose another name with --output-key-prefix",
      data: { path },
    });
  }
}

// slipway sign, slipway verify, slipway key generate.
import { type Command, Option } from "commander";
import type { Runner } from "../app.ts";
import { addRegistryOptions, collect } from "./options.ts";

export function defineSignatures(app: Command, runner: Runner): void {
  defineSign(app, runner);
  defineVerify(app, runner);
  const key = app.command("key").description("keys that sign images");
  const generate = key
    .command("generate")
    .description("make a key pair as cosign makes it; the password comes from $COSIGN_PASSWORD or is asked for")
    .option("--output-key-prefix <prefix>", "name of the .key and .pub files", "cosign")
    .addHelpText("after", "\nExamples:\n  slipway key generate\n  slipway key generate --output-key-prefix release");
  generate.action(() => runner(async () => (await import("../commands/key/generate.ts")).keyGenerate, generate));
}

function defineSign(app: Command, runner: Runner): void {
  const sign = app
    .command("sign")
    .description("sign an image where it is: in a registry, an OCI layout or the local store")
    .argument("<image>", "docker://HOST/NAME[:TAG], oci:DIR[:TAG], or a name in the local store")
    .requiredOption("--key <file>", "private key (cosign's, or PKCS #8 in PEM)")
    .option("--identity <name>", "the name that the signature is for (default: the image's in its registry)")
    .addOption(
      new Option("--attach <how>", "as the tag sha256-….sig, as a bundle that refers to the image, or both")
        .choices(["both", "tag", "referrer"])
        .default("both"),
    )
    .option("-r, --recursive", "also sign each image of a multi-architecture one")
    .addHelpText(
      "after",
      `
Examples:
  slipway sign --key cosign.key docker://registry.example/os:1
  slipway sign --key cosign.key --identity registry.example/os:1 oci:./layout:1
  slipway sign --key cosign.key --recursive --attach tag docker://registry.example/os:1`,
    );
  addRegistryOptions(sign);
  sign.action(() => runner(async () => (await import("../commands/sign.ts")).sign, sign));
}

function defineVerify(app: Command, runner: Runner): void {
  const verify = app
    .command("verify")
    .description("check the signatures of an image, against keys or against the signature policy")
    .argument("<image>", "any image that can be read")
    .option("--key <file>", "public key; one of several must fit (repeatable)", collect)
    .option("--identity <name>", "with --key: the name it must be signed for, with or without tag")
    .option("--policy <file>", "without --key: this policy (default: containers-policy.json(5))")
    .addHelpText(
      "after",
      `
Examples:
  slipway verify --key cosign.pub docker://registry.example/os:1
  slipway verify --key old.pub --key new.pub --identity registry.example/os oci:./layout:1
  slipway verify docker://registry.example/os:1          does the policy of this machine allow it?`,
    );
  addRegistryOptions(verify);
  verify.action(() => runner(async () => (await import("../commands/verify.ts")).verify, verify));
}

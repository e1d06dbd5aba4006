// slipway login, slipway logout.
import { type Command, Option } from "commander";
import type { Runner } from "../app.ts";
import { addRegistryOptions } from "./options.ts";

export function defineLogin(app: Command, runner: Runner): void {
  const login = app
    .command("login")
    .description("log in to a registry, for this and the other containers tools")
    .argument("<registry>", "HOST[:PORT], or HOST[:PORT]/NAMESPACE for a part of it")
    .option("-u, --username <name>", "user name (default: ask)")
    .option("--password-stdin", "read the password from standard input")
    .addOption(new Option("-p, --password <password>", "password; visible to others, better let it be asked for"))
    .option("--get-login", "only print who is logged in")
    .addHelpText(
      "after",
      `
Examples:
  slipway login registry.example
  slipway login --username ci --password-stdin registry.example < password
  slipway login --authfile ./auth.json registry.example/team
  slipway login --get-login registry.example`,
    );
  addRegistryOptions(login);
  login.action(() => runner(async () => (await import("../commands/login.ts")).login, login));

  const logout = app
    .command("logout")
    .description("forget a login to a registry")
    .argument("[registry]", "as it was given to login")
    .option("-a, --all", "forget all logins")
    .addHelpText("after", "\nExamples:\n  slipway logout registry.example\n  slipway logout --all");
  addRegistryOptions(logout);
  logout.action(() => runner(async () => (await import("../commands/logout.ts")).logout, logout));
}

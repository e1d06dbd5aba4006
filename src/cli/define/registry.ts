// `slipway registry …`: the embedded registry.
import type { Command } from "commander";
import type { Runner } from "../app.ts";
import { collect } from "./options.ts";

export function defineRegistry(app: Command, runner: Runner): void {
  const registry = app.command("registry").description("serve images to other machines");
  const serve = registry
    .command("serve")
    .description("run an OCI registry, or a mirror of others, until Ctrl-C")
    .option("--root <dir>", "where it keeps its images (default: the directory registry in the store)")
    .option("--listen <address>", "host and port", "127.0.0.1:5000")
    .option("--tls-cert <file>", "certificate with its chain, PEM")
    .option("--tls-key <file>", "private key, PEM")
    .option("--htpasswd <file>", "users with bcrypt passwords (htpasswd -B)")
    .option("--permissions <file>", "TOML: who may pull, push and delete where (default: all users everything)")
    .option("--anonymous-read", "with --htpasswd: let everybody pull")
    .option("--anonymous-write", "let everybody push and delete")
    .option("--insecure", "accept passwords without TLS on any address")
    .option("--mirror <upstream>", "pull what is missing from this registry (repeatable)", collect)
    .option("--mirror-host <host>", "an upstream may redirect to this host, too; * for any part (repeatable)", collect)
    .option("--authfile <file>", "credentials for upstreams (default: those of podman, Docker and ostree)")
    .option("--read-only", "refuse push and delete, write nothing")
    .option("--metrics", "Prometheus metrics under /metrics")
    .option("--gc-interval <seconds>", "between garbage collections; 0: none", "3600")
    .option("--gc-grace <seconds>", "how long unreferenced blobs are kept", "86400")
    .option("--stop-grace <seconds>", "how long running requests may take after Ctrl-C", "10")
    .option("--no-log", "no line for each request on standard error")
    .addHelpText(
      "after",
      `
Without --htpasswd everybody pulls; push and delete work on loopback addresses, elsewhere only with --anonymous-write.

Examples:
  slipway registry serve
  slipway registry serve --listen 0.0.0.0:5000 --tls-cert cert.pem --tls-key key.pem --htpasswd users
  slipway registry serve --mirror docker.io`,
    );
  serve.action(() => runner(async () => (await import("../commands/registry/serve.ts")).registryServe, serve));
}

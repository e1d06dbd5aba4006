// Programs that keep passwords: docker-credential-NAME get|store|erase, the protocol of docker-credential-helpers. The
// registry or a JSON object goes to standard input, JSON comes back. Refused: names that are no part of a file name.
import { parseJson } from "../../base/json.ts";
import { ProcessError, run } from "../../base/process/index.ts";
import { SettingsError } from "./error.ts";
import type { Credentials, RunHelper, SettingsOptions } from "./types.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** A helper may ask its user for a passphrase. */
const TIMEOUT_MS = 120_000;
const MAX_OUTPUT_BYTES = 64 * 1024;
/** User name that says that the secret is a token: docker-credential-helpers has no other place for it. */
const TOKEN_USER = "<token>";

export function helperRunner(env: SettingsOptions["env"]): RunHelper {
  return (name, verb, input) =>
    run(`docker-credential-${name}`, [verb], {
      env,
      input,
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      allowExit: [0, 1],
    });
}

export class CredentialHelper {
  readonly name: string;
  readonly #run: RunHelper;
  /** The file that names the helper, for messages. */
  readonly #origin: string;

  constructor(name: string, origin: string, runHelper: RunHelper) {
    this.name = name;
    this.#origin = origin;
    this.#run = runHelper;
    if (!NAME.test(name))
      throw this.#failed("get", `${JSON.stringify(name.slice(0, 80))} is no name of a credential helper`);
  }

  /** Undefined when the helper has nothing for the registry. Throws SettingsError HELPER_FAILED. */
  async get(registry: string): Promise<Credentials | undefined> {
    const { exitCode, stdout } = await this.#call("get", registry);
    if (exitCode !== 0) {
      if (isNotFound(stdout)) return undefined;
      throw this.#failed("get", firstLine(stdout));
    }
    const { Username: username, Secret: secret } = this.#parse(stdout);
    if (typeof username !== "string" || typeof secret !== "string")
      throw this.#failed("get", "its answer has no Username and Secret");
    if (username === "" && secret === "") return undefined;
    return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
  }

  /** Throws SettingsError HELPER_FAILED. */
  async store(registry: string, username: string, password: string): Promise<void> {
    const input = JSON.stringify({ ServerURL: registry, Username: username, Secret: password });
    const { exitCode, stdout } = await this.#call("store", input);
    if (exitCode !== 0) throw this.#failed("store", firstLine(stdout));
  }

  /** True when there was something. Throws SettingsError HELPER_FAILED. */
  async erase(registry: string): Promise<boolean> {
    const { exitCode, stdout } = await this.#call("erase", registry);
    if (exitCode === 0) return true;
    if (isNotFound(stdout)) return false;
    throw this.#failed("erase", firstLine(stdout));
  }

  async #call(verb: "get" | "store" | "erase", input: string): ReturnType<RunHelper> {
    try {
      return await this.#run(this.name, verb, input);
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      throw this.#failed(verb, error.code === "NOT_INSTALLED" ? "it is not installed" : error.message, error);
    }
  }

  #parse(stdout: string): Record<string, unknown> {
    try {
      const value = parseJson(stdout);
      if (typeof value === "object" && value !== null) return { ...value };
    } catch {
      // Said below, without the answer: it may hold the secret.
    }
    throw this.#failed("get", "its answer is no JSON object");
  }

  #failed(verb: string, why: string, cause?: unknown): SettingsError {
    return new SettingsError(
      "HELPER_FAILED",
      `cannot ${verb} credentials with docker-credential-${this.name.slice(0, 80)}, which ${this.#origin} names: ${why}`,
      {
        hint: "Install or mend the credential helper, or remove it from that file",
        ...(cause === undefined ? {} : { cause }),
        data: { helper: this.name.slice(0, 80) },
      },
    );
  }
}

/** True when a helper failed because there is no such program. */
export function isNotInstalled(error: unknown): boolean {
  return error instanceof SettingsError && error.cause instanceof ProcessError && error.cause.code === "NOT_INSTALLED";
}

/** The one failure that helpers agree upon, by its text. */
function isNotFound(stdout: string): boolean {
  return /credentials not found/i.test(stdout);
}

function firstLine(text: string): string {
  return JSON.stringify(text.trim().split("\n")[0]?.slice(0, 200) ?? "");
}

// Parts of the room that few builds need: loaded when they are called.
import type { Descriptor } from "../oci/index.ts";
import type { DebianBaseDependencies, DebianBaseOptions, DebianBaseResult } from "./debian/index.ts";
import type { DriverName, DriverOptions, DriverServices } from "./driver/index.ts";
import type { BuildRequest } from "./request.ts";
import type { Secret } from "./secrets/index.ts";

/** `--secret` as the user wrote it. Throws BuildError BAD_VALUE, NOT_FOUND, LIMIT. */
export async function readSecret(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<Secret> {
  return (await import("./secrets/index.ts")).parseSecretOption(text, env, cwd);
}

/** The same build by another tool; see driver/driver.ts. */
export async function buildElsewhere(
  name: DriverName,
  request: BuildRequest,
  options: DriverOptions,
  services: DriverServices,
): Promise<Descriptor> {
  return (await import("./driver/index.ts")).buildWithDriver(name, request, options, services);
}

/** A bootable Debian image; see debian/build.ts. */
export async function buildDebianBase(
  options: DebianBaseOptions,
  dependencies: DebianBaseDependencies,
): Promise<DebianBaseResult> {
  return (await import("./debian/index.ts")).buildDebianBase(options, dependencies);
}

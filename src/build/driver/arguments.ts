// A build request in the words of podman-build(1) and buildah-build(1). Refused: options of the tool that would take away what
// Slipway needs to find the image again and to search it before it has a name.
import type { BuildRequest } from "../request.ts";
import { BuildError } from "../error.ts";
import type { Secret } from "../secrets/index.ts";

export type DriverName = "podman" | "buildah";

export interface DriverOptions {
  readonly pull: "always" | "missing" | "never" | "newer";
  /** `--ignorefile`. */
  readonly ignoreFile?: string;
  readonly authFile?: string;
  /** `--driver-option NAME[=VALUE]`: handed to the tool as `--NAME=VALUE`. */
  readonly driverOptions: readonly string[];
}

/** Options that stand before the command, for every command of the tool. All others belong to `build`. */
const GLOBAL: Readonly<Record<DriverName, ReadonlySet<string>>> = {
  podman: new Set([
    "cgroup-manager",
    "conmon",
    "events-backend",
    "hooks-dir",
    "imagestore",
    "log-level",
    "module",
    "network-config-dir",
    "root",
    "runroot",
    "runtime",
    "runtime-flag",
    "storage-driver",
    "storage-opt",
    "tmpdir",
    "transient-store",
    "volumepath",
  ]),
  buildah: new Set([
    "log-level",
    "registries-conf",
    "registries-conf-dir",
    "root",
    "runroot",
    "storage-driver",
    "storage-opt",
    "tmpdir",
  ]),
};

/** What cannot be translated, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...["tag", "t", "manifest"].map((name) => [name, "Slipway names the image, after it has been searched"] as const),
  ...["output", "o", "iidfile", "quiet", "q", "logfile"].map(
    (name) => [name, "Slipway reads the result itself"] as const,
  ),
  ...["sign-by", "cache-to"].map((name) => [name, "it would give the image away before it has been searched"] as const),
  ...["remote", "url", "connection", "identity"].map((name) => [name, "the image has to be on this machine"] as const),
  ...["secret", "ssh", "platform", "arch", "os", "variant", "all-platforms", "file", "f"].map(
    (name) => [name, "slipway build has that option itself"] as const,
  ),
]);

/** What stands before the command. Throws BuildError BAD_VALUE, UNSUPPORTED. */
export function globalArguments(driver: DriverName, { driverOptions }: DriverOptions): string[] {
  return optionsOf(driver, driverOptions).flatMap(({ name, text }) => (GLOBAL[driver].has(name) ? [text] : []));
}

export interface DriverFiles {
  /** A copy of the Containerfile that was parsed: tools look for names in other places, in another order. */
  readonly containerfile: string;
  /** Where the tool writes the image's id. */
  readonly id: string;
}

/** `build` and all that follows; the image gets no name. Throws BuildError BAD_VALUE, UNSUPPORTED. */
export function buildArguments(
  driver: DriverName,
  request: BuildRequest,
  options: DriverOptions,
  platform: string,
  files: DriverFiles,
): string[] {
  const own = optionsOf(driver, options.driverOptions).flatMap(({ name, text }) =>
    GLOBAL[driver].has(name) ? [] : [text],
  );
  const { epochSeconds, target } = request;
  return [
    "build",
    `--iidfile=${files.id}`,
    `--file=${files.containerfile}`,
    `--platform=${platform}`,
    ...(target === undefined ? [] : [`--target=${target}`]),
    ...each(request.args, ([name, value]) => `--build-arg=${name}=${value}`),
    ...each(request.contexts, ([name, context]) =>
      context.kind === "directory"
        ? `--build-context=${name}=${context.path}`
        : `--build-context=${name}=docker-image://${context.reference}`,
    ),
    ...each(request.secrets, (secret) => `--secret=${secretOption(secret)}`),
    ...each(request.sshSockets, ([id, socket]) => `--ssh=${id}=${socket}`),
    ...each(request.labels, ([name, value]) => `--label=${name}=${value}`),
    ...each(request.annotations, ([name, value]) => `--annotation=${name}=${value}`),
    ...each(request.volumes, ({ source, target: at, readonly }) => `--volume=${source}:${at}${readonly ? ":ro" : ""}`),
    ...squashArguments(driver, request.squash),
    ...(request.useCache ? [] : ["--no-cache"]),
    ...(request.network === "default" ? [] : [`--network=${request.network}`]),
    ...(epochSeconds === undefined ? [] : [`--timestamp=${epochSeconds}`]),
    ...(request.jobs > 1 ? [`--jobs=${request.jobs}`] : []),
    `--pull=${PULL[options.pull]}`,
    ...(options.ignoreFile === undefined ? [] : [`--ignorefile=${options.ignoreFile}`]),
    ...(options.authFile === undefined ? [] : [`--authfile=${options.authFile}`]),
    ...own,
    request.context,
  ];
}

/** In words that old versions understand as well. */
const PULL = { always: "always", missing: "false", never: "never", newer: "true" } as const;

/** buildah's --squash takes the base's layers along, podman has both; a layer for all new steps is buildah's own default. */
function squashArguments(driver: DriverName, squash: BuildRequest["squash"]): string[] {
  if (squash === "none") return ["--layers=true"];
  if (driver === "podman") return [squash === "all" ? "--squash-all" : "--squash"];
  return squash === "all" ? ["--layers=false", "--squash"] : ["--layers=false"];
}

function secretOption({ id, origin }: Secret): string {
  if (origin === undefined) throw new TypeError(`secret ${id} has no origin`);
  return origin.type === "env" ? `id=${id},type=env,src=${origin.name}` : `id=${id},src=${origin.path}`;
}

function each<Item>(items: Iterable<Item>, format: (item: Item) => string): string[] {
  return Array.from(items, format);
}

function optionsOf(driver: DriverName, options: readonly string[]): { readonly name: string; readonly text: string }[] {
  return options.map((option) => {
    const text = option.replace(/^-+/, "");
    const name = text.split("=", 1)[0] as string;
    if (!/^[a-z][a-z0-9-]*$/.test(name)) {
      throw new BuildError(
        "BAD_VALUE",
        `cannot hand --driver-option ${JSON.stringify(option)} to ${driver}: it is not NAME or NAME=VALUE`,
        {
          hint: "Write it as --driver-option isolation=chroot",
        },
      );
    }
    const refusal = REFUSED.get(name);
    if (refusal !== undefined) {
      throw new BuildError("UNSUPPORTED", `cannot hand --${name} to ${driver}: ${refusal}`, {
        hint: `Leave out --driver-option ${name}`,
      });
    }
    return { name, text: `--${text}` };
  });
}

// The part of an image's configuration that instructions change (image-spec config.md "config", with the fields that
// Docker added and BuildKit keeps in OCI images: Healthcheck, OnBuild, Shell). Read from a base and written back; what
// is empty is left out, maps are sorted.
import { isRecord, type JsonObject, stringList, stringMap, stringOf } from "./json.ts";

export interface RunConfig {
  readonly user: string;
  readonly exposedPorts: readonly string[];
  /** Of the base, less what this stage sets. */
  readonly inheritedEnv: Environment;
  /** Of this stage: comes after the inherited ones, in the order of the first setting. */
  readonly ownEnv: Environment;
  readonly entrypoint: readonly string[] | undefined;
  readonly cmd: readonly string[] | undefined;
  readonly volumes: readonly string[];
  readonly workingDir: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly stopSignal: string | undefined;
  /** As in JSON: times in nanoseconds. */
  readonly healthcheck: JsonObject | undefined;
  readonly onBuild: readonly string[];
  readonly shell: readonly string[] | undefined;
}

export type Environment = ReadonlyMap<string, string>;

/** What FROM scratch starts with. */
export const SCRATCH: JsonObject = { WorkingDir: "/" };

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
export const DEFAULT_SHELL: readonly string[] = ["/bin/sh", "-c"];

/** `json` is the "config" of an image's configuration; ONBUILD triggers are taken out of it. Throws BuildError BAD_VALUE. */
export function startConfig(json: JsonObject): { readonly config: RunConfig; readonly triggers: readonly string[] } {
  const inheritedEnv = new Map<string, string>();
  for (const line of stringList(json, "Env")) {
    const at = line.indexOf("=");
    if (at > 0) inheritedEnv.set(line.slice(0, at), line.slice(at + 1));
  }
  const healthcheck = json["Healthcheck"];
  const config: RunConfig = {
    user: stringOf(json, "User") ?? "",
    exposedPorts: keys(json["ExposedPorts"]),
    inheritedEnv,
    ownEnv: new Map(inheritedEnv.has("PATH") ? [] : [["PATH", PATH]]),
    entrypoint: nonEmpty(stringList(json, "Entrypoint")),
    cmd: nonEmpty(stringList(json, "Cmd")),
    volumes: keys(json["Volumes"]),
    workingDir: stringOf(json, "WorkingDir") ?? "",
    labels: new Map(Object.entries(stringMap(json, "Labels"))),
    stopSignal: stringOf(json, "StopSignal"),
    healthcheck: isRecord(healthcheck) ? healthcheck : undefined,
    onBuild: [],
    shell: nonEmpty(stringList(json, "Shell")),
  };
  return { config, triggers: stringList(json, "OnBuild") };
}

/** All that a program of the image sees, inherited values first. */
export function environmentOf({ inheritedEnv, ownEnv }: RunConfig): Environment {
  return new Map([...[...inheritedEnv].filter(([name]) => !ownEnv.has(name)), ...ownEnv]);
}

/** The "config" of an image's configuration. */
export function configJson(config: RunConfig): JsonObject {
  const { healthcheck } = config;
  return omitEmpty({
    User: config.user,
    ExposedPorts: keySet(config.exposedPorts),
    Env: [...environmentOf(config)].map(([name, value]) => `${name}=${value}`),
    Entrypoint: config.entrypoint ?? [],
    Cmd: config.cmd ?? [],
    Healthcheck: healthcheck ?? "",
    Volumes: keySet(config.volumes),
    WorkingDir: config.workingDir,
    Labels: Object.fromEntries([...config.labels].sort(byKey)),
    StopSignal: config.stopSignal ?? "",
    OnBuild: config.onBuild,
    Shell: config.shell ?? [],
  });
}

/** A JSON object without texts, lists and objects that have nothing in them. */
export function omitEmpty(object: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => {
      if (value === undefined || value === "") return false;
      return typeof value !== "object" || value === null || Object.keys(value).length > 0;
    }),
  );
}

function nonEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function keys(value: unknown): string[] {
  return isRecord(value) ? Object.keys(value) : [];
}

/** A set, as Go writes it to JSON. */
function keySet(names: readonly string[]): JsonObject {
  return Object.fromEntries([...new Set(names)].sort().map((name) => [name, {}]));
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

// Build arguments: those declared before the first FROM, those of a stage, and the ones that nobody has to declare or to
// give a value (buildah-build(1) "Predefined ARGs", BuildKit "automatic platform ARGs in the global scope").
import { formatPlatform, type Platform } from "../oci/index.ts";
import { type Arg, expandWord, type Variables } from "./containerfile/index.ts";

export type Arguments = ReadonlyMap<string, string>;

/** Usable in RUN without a declaration; without one they are part of neither history nor cache. */
export const PROXY_ARGS: readonly string[] = [
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "FTP_PROXY",
  "NO_PROXY",
  "ALL_PROXY",
].flatMap((name) => [name, name.toLowerCase()]);

/** What each platform argument stands for when a build for `target` runs on `build`. */
export function platformArguments(target: Platform, build: Platform): Arguments {
  return new Map([
    ["TARGETPLATFORM", formatPlatform(target)],
    ["TARGETOS", target.os],
    ["TARGETARCH", target.architecture],
    ["TARGETVARIANT", target.variant ?? ""],
    ["BUILDPLATFORM", formatPlatform(build)],
    ["BUILDOS", build.os],
    ["BUILDARCH", build.architecture],
    ["BUILDVARIANT", build.variant ?? ""],
  ]);
}

export interface ArgumentSources {
  /** `--build-arg`. */
  readonly given: Arguments;
  readonly platform: Arguments;
  /** Of the ARGs before the first FROM. */
  readonly global: Arguments;
}

/**
 * The values after an ARG, whose names are taken one by one. What the user gave wins, then the default, the global value,
 * what the platform says. A name without any of these stays unset. Throws BuildError BAD_VALUE.
 */
export function declareArguments(
  before: Arguments,
  { args }: Pick<Arg, "args">,
  sources: ArgumentSources,
  variablesAfter: (args: Arguments) => Variables,
  escape: string,
): Arguments {
  const after = new Map(before);
  for (const { name, value } of args) {
    const chosen =
      sources.given.get(name) ??
      (value === undefined
        ? (sources.global.get(name) ?? sources.platform.get(name))
        : expandWord(value, variablesAfter(after), { escape }));
    if (chosen !== undefined) after.set(name, chosen);
  }
  return after;
}

// Platforms (image-spec image-index.md "platform"; names as Go has them). Text form: os/architecture[/variant].
import { OciError } from "./error.ts";
import { asObject, asString, at, optional, type Place } from "./json.ts";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  aarch64: "arm64",
  armhf: "arm",
  i386: "386",
  i686: "386",
  ppc64el: "ppc64le",
};

/** Of Go, as `go tool dist list` has them. */
const GO_ARCHITECTURES: readonly string[] = [
  "386",
  "amd64",
  "arm",
  "arm64",
  "loong64",
  "mips",
  "mips64",
  "mips64le",
  "mipsle",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "wasm",
];

const PART = /^[a-z0-9][a-z0-9_.-]*$/;

/** `arm64`, `linux/arm64` or `linux/arm64/v8`; kernel and Debian names of architectures are understood. BAD_PLATFORM. */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  const [os, architecture, variant] = parts.length === 1 ? ["linux", parts[0]] : parts;
  if (os === undefined || architecture === undefined || parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw new OciError(
      "BAD_PLATFORM",
      `cannot read platform ${JSON.stringify(text.slice(0, 100))}: want os/architecture[/variant]`,
      {
        hint: "Write it like linux/amd64 or linux/arm64",
      },
    );
  }
  const platform = makePlatform(os, architecture, variant);
  // A word alone may be anything; who writes os/architecture knows what it is.
  if (parts.length === 1 && !GO_ARCHITECTURES.includes(platform.architecture)) {
    throw new OciError(
      "BAD_PLATFORM",
      `cannot read platform ${JSON.stringify(text.slice(0, 100))}: there is no architecture of that name`,
      { hint: `Give one of ${GO_ARCHITECTURES.join(", ")}, or both as in linux/amd64` },
    );
  }
  return platform;
}

export function makePlatform(os: string, architecture: string, variant?: string): Platform {
  const name = (Object.hasOwn(ARCHITECTURES, architecture) ? ARCHITECTURES[architecture] : undefined) ?? architecture;
  // arm64 has one variant that everybody means.
  const drop = variant === undefined || variant === "" || (name === "arm64" && variant === "v8");
  return drop ? { os, architecture: name } : { os, architecture: name, variant };
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** True when what is offered serves what is wanted; a wanted platform without variant takes any. */
export function matchesPlatform(wanted: Platform, offered: Platform): boolean {
  return (
    wanted.os === offered.os &&
    wanted.architecture === offered.architecture &&
    (wanted.variant === undefined || wanted.variant === offered.variant)
  );
}

/** From a manifest's JSON. */
export function readPlatform(value: unknown, place: Place): Platform {
  const object = asObject(value, place);
  return makePlatform(
    asString(object["os"] ?? "linux", at(place, "os")),
    asString(object["architecture"], at(place, "architecture")),
    optional(object["variant"], at(place, "variant"), asString),
  );
}

export function formatPlatformJson({ os, architecture, variant }: Platform): Readonly<Record<string, string>> {
  return variant === undefined ? { architecture, os } : { architecture, os, variant };
}

// Where the installed system gets its updates from. A path of the machine that made the disk never goes into it.
import { DiskError } from "./errors.ts";

export interface UpdateTarget {
  /** HOST/NAME:TAG or HOST/NAME@DIGEST, for `ostree-unverified-registry:`. */
  readonly reference: string;
  /** Why an upgrade will not work as it stands. */
  readonly warning?: string;
}

export interface UpdateTargetInput {
  /** `--target-imgref`. */
  readonly option?: string;
  /** The registry name the image was pulled from. */
  readonly pulledFrom?: string;
  /** The name in the local store or layout, when it has one. */
  readonly localName?: string;
  readonly manifestDigest: string;
}

/** Throws BAD_OPTION for an option that is no registry reference. */
export function updateTarget(input: UpdateTargetInput): UpdateTarget {
  if (input.option !== undefined) return { reference: checkedReference(input.option) };
  if (input.pulledFrom !== undefined) return { reference: input.pulledFrom };
  const reference =
    qualified(input.localName) ??
    `localhost/slipway:${input.manifestDigest.slice("sha256:".length, "sha256:".length + 12)}`;
  return {
    reference,
    warning: `the system will look for updates at ${reference}, which no registry may know: give --target-imgref, or run \`bootc switch\` on the machine before the first upgrade`,
  };
}

function checkedReference(text: string): string {
  const reference = text.replace(/^(?:docker:\/\/|registry:)/, "");
  if (/^[a-z0-9.-]+(?::\d+)?\/[a-z0-9._/-]+(?::[\w.-]{1,128})?(?:@sha256:[0-9a-f]{64})?$/i.test(reference))
    return reference;
  throw new DiskError(
    "BAD_OPTION",
    `cannot use --target-imgref "${text}": want a registry reference such as registry.example/os:stable`,
  );
}

/** A local name as a full reference: names without a registry host stand for localhost. */
function qualified(name: string | undefined): string | undefined {
  if (name === undefined || !/^[a-z0-9][a-z0-9._/:@-]*$/i.test(name) || name.startsWith("/")) return undefined;
  const first = name.split("/")[0] ?? "";
  const hasHost = name.includes("/") && (first.includes(".") || first.includes(":") || first === "localhost");
  return hasHost ? name : `localhost/${name}`;
}

// `.bootc-aleph.json` in the physical root: what the system was first made of (bootc crates/lib/src/install/aleph.rs).
// bootc writes the installer's kernel and the path it read from; ours must not depend on the machine that makes the
// disk, so the kernel is the image's and a local source has no name.

export interface AlephInput {
  readonly manifestDigest: string;
  /** HOST/NAME:TAG of updates. */
  readonly targetImage: string;
  /** The name it was pulled from; undefined for local sources. */
  readonly image?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kernelVersion: string;
  /** The image's `created`, RFC 3339. */
  readonly created?: string;
  readonly hasSelinuxPolicy: boolean;
}

/** Canonical JSON: keys sorted, no white space. */
export function formatAleph(input: AlephInput): string {
  const labels = Object.entries(input.labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({
    digest: input.manifestDigest,
    ...(input.image === undefined ? {} : { image: input.image }),
    kernel: input.kernelVersion,
    labels: Object.fromEntries(labels),
    selinux: input.hasSelinuxPolicy ? "enabled" : "disabled",
    "target-image": input.targetImage,
    timestamp: input.created ?? null,
    version: input.labels["org.opencontainers.image.version"] ?? input.labels["version"] ?? null,
  });
}

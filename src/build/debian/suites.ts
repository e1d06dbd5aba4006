// What differs between Debian's releases, as far as a bootable base is concerned: facts only.

export type Suite = "bookworm" | "trixie" | "forky";
export type DebianArchitecture = "amd64" | "arm64";

export interface SuiteFacts {
  readonly suite: Suite;
  /** Sections of the archive that are used; firmware has one of its own since bookworm, and is not installed here. */
  readonly components: string;
  /** Released suites have a security archive and an updates suite. */
  readonly isReleased: boolean;
  /** systemd-repart is part of the systemd package before trixie. */
  readonly packages: readonly string[];
  /** Whether this suite's ostree is built with composefs (trixie's 2025.2 is not). */
  readonly hasComposefs: boolean;
}

const SUITES: readonly SuiteFacts[] = [
  { suite: "bookworm", components: "main", isReleased: true, packages: [], hasComposefs: false },
  { suite: "trixie", components: "main", isReleased: true, packages: ["systemd-repart"], hasComposefs: false },
  { suite: "forky", components: "main", isReleased: false, packages: ["systemd-repart"], hasComposefs: true },
];

export const SUITE_NAMES: readonly Suite[] = SUITES.map(({ suite }) => suite);

export function suiteFacts(suite: Suite): SuiteFacts {
  return SUITES.find((each) => each.suite === suite) as SuiteFacts;
}

const ARCHIVE = "http://deb.debian.org/debian";
const SECURITY_ARCHIVE = "http://deb.debian.org/debian-security";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

export interface Archives {
  readonly archive?: string;
  readonly securityArchive?: string;
}

/** One-line sources (sources.list(5)) to install from; Debian's own archives unless told otherwise. */
export function aptLines({ suite, components, isReleased }: SuiteFacts, archives: Archives = {}): string[] {
  const archive = archives.archive ?? ARCHIVE;
  if (!isReleased) return [`deb ${archive} ${suite} ${components}`];
  return [
    `deb ${archive} ${suite} ${components}`,
    `deb ${archive} ${suite}-updates ${components}`,
    `deb ${archives.securityArchive ?? SECURITY_ARCHIVE} ${suite}-security ${components}`,
  ];
}

/** The sources that the image itself knows (deb822): always Debian's, whatever mirror it was built from. */
export function debianSources({ suite, components, isReleased }: SuiteFacts): string {
  const stanza = (uri: string, suites: string): string =>
    `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: ${components}\nSigned-By: ${KEYRING}\n`;
  if (!isReleased) return stanza(ARCHIVE, suite);
  return `${stanza(ARCHIVE, `${suite} ${suite}-updates`)}\n${stanza(SECURITY_ARCHIVE, `${suite}-security`)}`;
}

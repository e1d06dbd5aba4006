// Known failures of build steps, in no special order. A new one: a line as it was printed goes into rules.test.ts, its rule here.
import type { FailureRule } from "./rule.ts";

const SYSTEM: readonly FailureRule[] = [
  {
    id: "semanage-cross-device",
    patterns: [/libsemanage\.\w+: Error while renaming .*Invalid cross-device link/],
    weight: "decisive",
    cause: "libsemanage renames a directory of a lower layer, which overlayfs refuses",
    cure: "Build without --driver: slipway's own steps do not run on overlayfs",
    affected: "libsemanage before 3.4 (RHEL 8 has 2.9) on overlayfs without redirect_dir",
    links: [
      "https://github.com/coreos/rpm-ostree/issues/3449",
      "https://github.com/SELinuxProject/selinux/issues/343",
      "https://github.com/SELinuxProject/selinux/commit/c7a3b93e31df312ed5b71436ec874054a95d4209",
    ],
  },
  {
    id: "cross-device-rename",
    patterns: [/Invalid cross-device link/, /\bEXDEV\b/],
    weight: "error",
    cause: "a directory was renamed across file systems, or one of a lower layer on overlayfs",
    cure: "Copy and remove instead of renaming across mounts, or build without --driver",
    links: ["https://docs.kernel.org/filesystems/overlayfs.html#renaming-directories"],
  },
  {
    id: "systemd-not-running",
    patterns: [
      /System has not been booted with systemd as init system/,
      /Failed to connect to (?:system scope )?bus\b/,
      /Failed to get D-Bus connection/,
    ],
    weight: "harmless",
    cause: "a package script or the step starts or restarts a service, but no systemd runs during a build",
    cure: "Enable units only; where a script has to restart one, let it ask `systemctl is-active` first",
    links: [
      "https://github.com/openshift/microshift/blob/7015c8c5a11c7a88920f4287b4076915ffdbac0f/packaging/rpm/microshift.spec#L216-L222",
    ],
  },
  {
    id: "no-space",
    patterns: [/No space left on device/, /\bENOSPC\b/, /You don't have enough free space in/, /Disk quota exceeded/],
    weight: "decisive",
    cause: "the file system of the build directory is full",
    cure: "Free some space, or let TMPDIR and --store name directories on a larger file system",
  },
  {
    id: "out-of-memory",
    patterns: [/virtual memory exhausted/, /\bCannot allocate memory\b/, /JavaScript heap out of memory/],
    weight: "error",
    cause: "a program could not get the memory that it asked for",
    cure: "Give the machine more memory, or let the step run fewer jobs at once",
  },
  {
    id: "killed",
    // As compilers and shells tell it; dash and busybox say nothing but the word.
    patterns: [/Killed signal terminated program/, /^Killed$/, /^\S+: line \d+:\s+\d+ Killed\b/],
    weight: "error",
    cause: "a program was killed, most often because the machine ran out of memory",
    cure: "Give the machine more memory, or let the step run fewer jobs at once",
  },
  {
    id: "no-shell",
    patterns: [
      /(?:exec|execute|executable file)\b.*\/(?:ba|da)?sh\b.*(?:no such file|not found)/i,
      /\/(?:ba|da)?sh['"]?: No such file or directory/,
    ],
    weight: "decisive",
    cause: "the image has no shell for the shell form of RUN",
    cure: 'Write the step in exec form, RUN ["program", "argument"], or run it in a stage that has a shell',
  },
  {
    id: "exec-format",
    patterns: [/exec format error/i, /cannot execute binary file/i, /ENOEXEC/],
    weight: "decisive",
    cause: "the program is for another architecture, and this machine has no emulator for it",
    cure: "Install qemu-user-static, or run `slipway cross enable` on kernels before 6.7",
  },
  {
    id: "single-id",
    patterns: [
      /\b(?:l?chown|fchownat)\b.*Invalid argument/i,
      /changing (?:ownership|group) of .*Invalid argument/,
      /Cannot change ownership to .*Invalid argument/,
      /cpio: chown failed - /,
      /insufficient UIDs or GIDs available in user namespace/,
    ],
    weight: "decisive",
    cause: "the step gives a file to another user, but the build has a single user id",
    cure: "Give yourself a range of ids in /etc/subuid and /etc/subgid and install newuidmap, or build as root",
    links: ["https://github.com/containers/podman/blob/main/troubleshooting.md"],
  },
  {
    id: "read-only-proc",
    patterns: [
      /\/proc\/\S*['"]?: Read-only file system/,
      /sysctl: .*(?:Read-only file system|permission denied on key)/i,
    ],
    weight: "error",
    cause: "the step changes a setting of the kernel, and /proc is read-only during a build",
    cure: "Write the setting to /usr/lib/sysctl.d/ instead: it is applied at boot",
  },
  {
    id: "foreign-kernel",
    patterns: [
      /dracut.*Cannot find module directory/,
      /\/modules\.dep is missing\. Did you run depmod/,
      /(?:depmod|modprobe): .*could not open directory \/(?:usr\/)?lib\/modules\//,
    ],
    weight: "error",
    cause: "the kernel of the build machine was asked for, the image has another",
    cure: "Name the image's kernel: the directory below /usr/lib/modules, not `uname -r`",
  },
];

const NETWORK: readonly FailureRule[] = [
  {
    id: "dns",
    patterns: [
      /Temporary failure (?:in name resolution|resolving)/,
      /Could not resolve (?:host\b|')/,
      /Couldn't resolve host/,
      /Name or service not known/,
      /\bEAI_AGAIN\b|\bgetaddrinfo ENOTFOUND\b/,
      /bad address '/,
      /dial tcp: lookup \S+.*: (?:no such host|server misbehaving)/,
    ],
    weight: "error",
    cause: "a host name could not be resolved",
    cure: "Check the machine's /etc/resolv.conf and proxy, and that the step does not run with --network=none",
  },
  {
    id: "no-route",
    patterns: [/Network is unreachable/, /\bENETUNREACH\b/, /Could not connect to .*(?:Connection refused|timed out)/],
    weight: "error",
    cause: "a host could not be reached from the step",
    cure: "Check the network and HTTPS_PROXY, and that the step does not run with --network=none",
  },
  {
    id: "tls",
    patterns: [
      /SSL certificate problem/,
      /certificate verify failed/i,
      /x509: certificate signed by unknown authority/,
      /SSL peer certificate or SSH remote key was not OK/,
      /\bCertificate verification failed\b/,
      /UNABLE_TO_GET_ISSUER_CERT|SELF_SIGNED_CERT_IN_CHAIN/,
    ],
    weight: "error",
    cause: "the image does not trust the certificate of the server, or has no certificates at all",
    cure: "Install ca-certificates first, and add the certificate of your proxy or registry to the image's trust store",
  },
  {
    id: "registry-unauthorized",
    patterns: [
      /unauthorized: (?:authentication required|access to the requested resource)/i,
      /invalid username\/password/,
      /\b401 Unauthorized\b/,
      /requested access to the resource is denied/,
    ],
    weight: "decisive",
    cause: "a registry or server wants credentials, or has no such repository",
    cure: "Run `slipway login REGISTRY`, and hand credentials for a step over with --secret and RUN --mount=type=secret",
  },
];

const APT: readonly FailureRule[] = [
  {
    id: "apt-no-package",
    patterns: [/^E: Unable to locate package /, /^E: Package '[^']*' has no installation candidate/],
    weight: "decisive",
    cause:
      "the package lists have no such package: they are missing or old, or the suite or component does not have it",
    cure: "Run apt-get update and apt-get install in the same RUN, and check the name, suite and components",
  },
  {
    id: "apt-stale-lists",
    patterns: [/^E: Failed to fetch .* 404 +Not Found/],
    weight: "decisive",
    cause: "the mirror has no longer what the package lists say: they come from an earlier layer, or it was changing",
    cure: "Run apt-get update and apt-get install in the same RUN; if they are, try again or with another mirror",
  },
  {
    id: "apt-hash-mismatch",
    patterns: [/Hash Sum mismatch/i, /File has unexpected size/],
    weight: "decisive",
    cause: "the mirror was changing while it was read, or a proxy keeps old files",
    cure: "Try again later or with another mirror; with a proxy try Acquire::http::No-Cache=true",
  },
  {
    id: "apt-release-expired",
    patterns: [/Release file for .* is expired/, /Release file for .* is not valid yet/],
    weight: "decisive",
    cause: "the repository's index is out of date, or the clock of this machine is wrong",
    cure: "Check the clock; for an archive of old packages add [check-valid-until=no] to its source",
  },
  {
    id: "apt-not-signed",
    patterns: [
      /^E: The repository '[^']*' is not signed/,
      /NO_PUBKEY/,
      /^E: The repository '[^']*' does not have a Release file/,
    ],
    weight: "decisive",
    cause: "apt does not know the key that signed the repository, or the address has no repository",
    cure: "Copy the repository's key to /usr/share/keyrings and name it with signed-by in its source",
  },
  {
    id: "apt-sandbox-user",
    patterns: [
      /\bset(?:groups|eg?uid|egid|resuid|resgid) \d+ failed/,
      /SetupAPTPartialDirectory \(22: Invalid argument\)/,
    ],
    weight: "decisive",
    cause: "apt becomes the user _apt to download, but the build has a single user id",
    cure: 'Give yourself a range of ids in /etc/subuid and /etc/subgid, or write APT::Sandbox::User "root"; to apt.conf.d',
  },
  {
    id: "dpkg-script",
    patterns: [
      /post-installation script subprocess returned error exit status/,
      /^dpkg: error processing (?:package|archive) /,
      /^E: Sub-process \/usr\/bin\/dpkg returned an error code/,
      /^Errors were encountered while processing:/,
    ],
    weight: "consequence",
    cause: "a script of a package failed",
    cure: "Read what the script printed before this line",
  },
];

const RPM: readonly FailureRule[] = [
  {
    id: "rpm-no-package",
    patterns: [/Unable to find a match: /, /No match for argument: /, /^error: Packages not found: /],
    weight: "decisive",
    cause: "no enabled repository has such a package",
    cure: "Check the name, and that the repository is enabled and meant for the version of the base image",
  },
  {
    id: "rpm-no-repositories",
    patterns: [/There are no enabled repositories in/, /Status code: 40[13] for https:\/\/cdn\.redhat\.com\//],
    weight: "decisive",
    cause: "the image is not entitled: the repositories of RHEL want the host's entitlement",
    cure: "Mount the entitlement certificate, its key, redhat.repo and the CA with --secret, as examples/dpu does",
  },
  {
    id: "rpm-capabilities",
    patterns: [/cpio: cap_set_file failed/, /unpacking of archive failed on file .*Operation not permitted/],
    weight: "decisive",
    cause: "file capabilities cannot be set where the step runs",
    cure: "Build on a file system with extended attributes, as root or with a range of ids in /etc/subuid",
  },
  {
    id: "rpm-gpg",
    patterns: [/GPG check FAILED/, /Public key for \S+ is not installed/],
    weight: "decisive",
    cause: "a package is signed with a key that the image does not trust",
    cure: "Import the key with rpm --import before the installation, or name it with gpgkey= in the repository file",
  },
  {
    id: "rpm-transaction",
    patterns: [/^error: Error -1 running transaction/, /^Error: Transaction failed/, /scriptlet failed, exit status/],
    weight: "consequence",
    cause: "a script of a package failed",
    cure: "Read what the script printed before this line",
  },
];

const LANGUAGES: readonly FailureRule[] = [
  {
    id: "pip-externally-managed",
    patterns: [/error: externally-managed-environment/],
    weight: "decisive",
    cause: "the distribution's Python keeps pip out of its directories (PEP 668)",
    cure: "Install the distribution's package, or use a virtual environment below /usr/lib or /opt",
    affected: "Debian 12 and later, Fedora 38 and later",
    links: ["https://peps.python.org/pep-0668/"],
  },
  {
    id: "command-not-found",
    patterns: [/: command not found$/, /^\/bin\/(?:ba|da)?sh: (?:line )?\d*:? ?\S+: not found$/],
    weight: "error",
    cause: "the image does not have that program, or it is not in PATH",
    cure: "Install the package that brings it before this step",
  },
  {
    id: "ostree-commit-content",
    patterns: [/Found content in var\b/],
    weight: "decisive",
    cause: "`ostree container commit` found files in /var, which a bootable image does not ship",
    cure: "Leave the command out: slipway clears /run, /tmp, /var/tmp and /var/cache itself; make the rest with tmpfiles.d",
    affected: "ostree-ext before 0.11",
  },
];

export const RULES: readonly FailureRule[] = [...SYSTEM, ...NETWORK, ...APT, ...RPM, ...LANGUAGES];

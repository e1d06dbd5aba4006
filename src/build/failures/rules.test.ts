import { describe, expect, it } from "vitest";
import { explainFailure } from "./explain.ts";
import { RULES } from "./rules.ts";

/** Lines as the tools print them. */
const LINES: readonly (readonly [id: string, line: string])[] = [
  [
    "semanage-cross-device",
    "libsemanage.semanage_commit_sandbox: Error while renaming /etc/selinux/targeted/active to /etc/selinux/targeted/previous. (Invalid cross-device link).",
  ],
  ["cross-device-rename", "OSError: [Errno 18] Invalid cross-device link: '/opt/a' -> '/opt/b'"],
  ["cross-device-rename", "npm ERR! EXDEV: cross-device link not permitted, rename '/a' -> '/b'"],
  ["systemd-not-running", "System has not been booted with systemd as init system (PID 1). Can't operate."],
  ["systemd-not-running", "Failed to connect to bus: Host is down"],
  ["no-space", "dpkg: error: failed to write to '/var/lib/dpkg/status': No space left on device"],
  ["no-space", "E: You don't have enough free space in /var/cache/apt/archives/."],
  ["out-of-memory", "c++: fatal error: error writing to /tmp/a.s: Cannot allocate memory"],
  ["killed", "c++: fatal error: Killed signal terminated program cc1plus"],
  ["killed", "/bin/sh: line 1:    12 Killed                  make -j8"],
  ["killed", "Killed"],
  ["no-shell", 'exec: "/bin/sh": stat /bin/sh: no such file or directory'],
  ["no-shell", "setpriv: failed to execute /bin/sh: No such file or directory"],
  ["no-shell", "env: '/bin/bash': No such file or directory"],
  ["exec-format", "/bin/sh: 1: /usr/bin/tool: Exec format error"],
  ["exec-format", "exec /bin/sh: exec format error"],
  ["exec-format", "bash: /usr/bin/tool: cannot execute binary file: Exec format error"],
  ["single-id", "chown: changing ownership of '/var/lib/postgres': Invalid argument"],
  ["single-id", "tar: ./usr: Cannot change ownership to uid 0, gid 42: Invalid argument"],
  ["single-id", "error: unpacking of archive failed on file /run/lock;5f: cpio: chown failed - Invalid argument"],
  ["read-only-proc", 'sysctl: setting key "net.ipv4.ip_forward": Read-only file system'],
  ["read-only-proc", "/bin/sh: 1: cannot create /proc/sys/vm/overcommit_memory: Read-only file system"],
  ["foreign-kernel", "dracut: Cannot find module directory /lib/modules/6.18.0/"],
  ["foreign-kernel", "dracut[E]: /lib/modules/6.18.0//modules.dep is missing. Did you run depmod?"],
  ["dns", "curl: (6) Could not resolve host: example.com"],
  ["dns", "Temporary failure resolving 'deb.debian.org'"],
  ["dns", "wget: bad address 'example.com'"],
  ["dns", "npm ERR! request to https://registry.npmjs.org/a failed, reason: getaddrinfo EAI_AGAIN registry.npmjs.org"],
  ["no-route", "curl: (7) Couldn't connect: Network is unreachable"],
  ["tls", "curl: (60) SSL certificate problem: unable to get local issuer certificate"],
  ["tls", "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"],
  ["registry-unauthorized", "Error: initializing source docker://a/b: unauthorized: authentication required"],
  ["registry-unauthorized", "wget: server returned error: HTTP/1.1 401 Unauthorized"],
  ["apt-no-package", "E: Unable to locate package ngnix"],
  ["apt-no-package", "E: Package 'python' has no installation candidate"],
  [
    "apt-stale-lists",
    "E: Failed to fetch http://deb.debian.org/debian/pool/main/c/curl/curl_7_amd64.deb  404  Not Found [IP: 192.0.2.1 80]",
  ],
  ["apt-hash-mismatch", "   Hash Sum mismatch"],
  [
    "apt-release-expired",
    "E: Release file for http://deb.debian.org/debian/dists/bookworm-updates/InRelease is expired (invalid since 3d 2h 1min 5s). Updates for this repository will not be applied.",
  ],
  ["apt-not-signed", "E: The repository 'https://example.com/apt stable InRelease' is not signed."],
  ["apt-sandbox-user", "E: setgroups 65534 failed - setgroups (1: Operation not permitted)"],
  ["apt-sandbox-user", "E: seteuid 42 failed - seteuid (22: Invalid argument)"],
  ["dpkg-script", "E: Sub-process /usr/bin/dpkg returned an error code (1)"],
  ["rpm-no-package", "Error: Unable to find a match: microshft"],
  ["rpm-no-repositories", 'Error: There are no enabled repositories in "/etc/yum.repos.d", "/etc/yum/repos.d".'],
  [
    "rpm-capabilities",
    "error: unpacking of archive failed on file /usr/bin/newgidmap: cpio: cap_set_file failed - Operation not permitted",
  ],
  ["rpm-gpg", "Error: GPG check FAILED"],
  ["rpm-transaction", "error: Error -1 running transaction"],
  ["pip-externally-managed", "error: externally-managed-environment"],
  ["command-not-found", "/bin/sh: 1: curl: not found"],
  ["command-not-found", "bash: line 1: curl: command not found"],
  ["ostree-commit-content", "error: Found content in var"],
];

describe("rules", () => {
  it.each(LINES)("%s knows: %s", (id, line) => {
    expect(explainFailure(`Reading package lists...\n${line}\nexit status 1\n`)).toMatchObject({
      firstError: line.trim(),
      rule: { id },
    });
  });

  it("have each an id of its own, a line above, a cause and a cure", () => {
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
    expect(new Set(LINES.map(([id]) => id))).toEqual(new Set(RULES.map(({ id }) => id)));
    for (const { id, cause, cure, links = [] } of RULES) {
      expect(cause, id).toMatch(/^[\w`].*[^.]$/);
      expect(cure, id).toMatch(/^[A-Z].*[^.]$/);
      for (const link of links) expect(new URL(link).protocol, id).toBe("https:");
    }
  });

  it("do not take ordinary output for failures", () => {
    const ordinary = [
      "Setting up libc-bin (2.36-9+deb12u9) ...",
      "Processing triggers for libc-bin ...",
      "Selecting previously unselected package libgpg-error0:amd64.",
      "Unpacking liberror-perl (0.17029-2) ...",
      "0 errors, 0 warnings",
      "  CC  error.o",
      "invoke-rc.d: policy-rc.d denied execution of start.",
      "debconf: delaying package configuration, since apt-utils is not installed",
      "Created symlink /etc/systemd/system/multi-user.target.wants/nginx.service.",
      "checking for strerror... yes",
      "Killed 3 stale workers",
      "Killed: 0",
    ];
    expect(explainFailure(ordinary.join("\n"))).toEqual({});
  });
});

// The files that make a Debian system an image: each with its path and what it is for.
import { PATH_FILTERS } from "./packages.ts";
import { debianSources, type SuiteFacts } from "./suites.ts";

export interface TextFile {
  /** From the root, without a leading slash. */
  readonly path: string;
  readonly text: string;
  /** 0o644 unless told otherwise. */
  readonly mode?: number;
}

/** Where dpkg keeps its database: /var is empty in an image, and /usr is what a deployment replaces as one. */
export const DPKG_DIRECTORY = "usr/lib/sysimage/dpkg";

export interface FileOptions {
  readonly suite: SuiteFacts;
  readonly composefs: boolean;
}

/** In place before packages are configured: the initramfs is made from them. */
export function earlyFiles({ composefs }: FileOptions): TextFile[] {
  return [
    {
      path: "usr/lib/ostree/prepare-root.conf",
      text: `[sysroot]\nreadonly=true\n\n[composefs]\nenabled=${composefs ? "yes" : "no"}\n`,
    },
    {
      path: "usr/lib/dracut/dracut.conf.d/50-slipway.conf",
      text: `# For any machine, not for the one that built it; the same input gives the same bytes.
hostonly="no"
hostonly_cmdline="no"
reproducible="yes"
compress="zstd"
add_dracutmodules+=" ostree systemd "
# Of no use before the root file system is there, and half of the size.
omit_dracutmodules+=" hwdb lunmask resume "
`,
    },
    { path: "usr/lib/kernel/install.conf", text: "# The kernel stays in /usr/lib/modules.\nlayout=ostree\n" },
  ];
}

export function systemFiles({ suite }: FileOptions): TextFile[] {
  return [...PACKAGING(suite), ...NETWORK, ...SSH, ...GROWTH, ...CONSOLE, ...DIRECTORIES];
}

const PACKAGING = (suite: SuiteFacts): TextFile[] => [
  { path: "etc/apt/sources.list.d/debian.sources", text: debianSources(suite) },
  { path: "etc/apt/apt.conf.d/10slipway", text: `Dir::State::status "/${DPKG_DIRECTORY}/status";\n` },
  { path: "etc/dpkg/dpkg.cfg.d/slipway", text: `admindir=/${DPKG_DIRECTORY}\n${PATH_FILTERS.join("\n")}\n` },
];

const NETWORK: readonly TextFile[] = [
  { path: "usr/lib/systemd/network/80-slipway-dhcp.network", text: "[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\n" },
  { path: "etc/hosts", text: "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n" },
  { path: "etc/locale.conf", text: "LANG=C.UTF-8\n" },
];

const SSH: readonly TextFile[] = [
  {
    path: "etc/ssh/sshd_config.d/10-slipway.conf",
    text: "# Keys only.\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n",
  },
  {
    // No RSA key: it takes long on a slow machine, and every client of the last decade knows the other two.
    path: "usr/lib/systemd/system/ssh-host-keys.service",
    text: `[Unit]
Description=Make the SSH host keys that are missing
Before=ssh.service sshd.service
ConditionPathIsReadWrite=/etc/ssh

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/lib/slipway/ssh-host-keys
`,
  },
  {
    path: "usr/lib/slipway/ssh-host-keys",
    mode: 0o755,
    text: `#!/bin/sh -e
for type in ed25519 ecdsa; do
  key=/etc/ssh/ssh_host_\${type}_key
  test -s "$key" || { rm -f "$key" "$key.pub"; ssh-keygen -q -t "$type" -N "" -C "" -f "$key"; }
done
`,
  },
];

const GROWTH: readonly TextFile[] = [
  {
    path: "usr/lib/repart.d/50-root.conf",
    text: "# The root partition is the last one: let it take the rest of the disk.\n[Partition]\nType=root\n",
  },
  {
    // The root device is not what / shows under composefs: systemd-repart is told the disk.
    path: "usr/lib/systemd/system/systemd-repart.service.d/10-slipway.conf",
    text: "[Service]\nExecStart=\nExecStart=/usr/lib/slipway/grow-partition\n",
  },
  {
    path: "usr/lib/slipway/grow-partition",
    mode: 0o755,
    text: `#!/bin/sh -e
# Grows the partition of /sysroot to the end of its disk. Anything but a partition of a plain disk is left alone.
partition=$(findmnt --noheadings --output SOURCE --nofsroot --mountpoint /sysroot) || exit 0
disk=$(lsblk --noheadings --nodeps --output PKNAME "$partition" | tr -d ' ')
test -n "$disk" && test "$(lsblk --noheadings --nodeps --output TYPE "$partition" | tr -d ' ')" = part || exit 0
exec systemd-repart --dry-run=no "/dev/$disk"
`,
  },
  {
    path: "usr/lib/systemd/system/grow-sysroot.service",
    text: `[Unit]
Description=Grow the root file system to the end of its partition
DefaultDependencies=no
Conflicts=shutdown.target
After=local-fs.target systemd-repart.service
Before=sysinit.target shutdown.target
ConditionPathIsMountPoint=/sysroot

[Service]
Type=oneshot
RemainAfterExit=yes
# /sysroot is read-only for everybody else.
PrivateMounts=yes
ExecStart=/bin/sh -c 'mount -o remount,bind,rw /sysroot && exec /usr/lib/systemd/systemd-growfs /sysroot'
`,
  },
];

const CONSOLE: readonly TextFile[] = [
  {
    path: "usr/lib/bootc/kargs.d/10-console-x86_64.toml",
    text: 'kargs = ["console=tty0", "console=ttyS0,115200n8"]\nmatch-architectures = ["x86_64"]\n',
  },
  {
    path: "usr/lib/bootc/kargs.d/10-console-aarch64.toml",
    text: 'kargs = ["console=tty0", "console=ttyAMA0,115200n8"]\nmatch-architectures = ["aarch64"]\n',
  },
];

const USR_LOCAL = ["bin", "etc", "games", "include", "lib", "sbin", "share", "src"];

const DIRECTORIES: readonly TextFile[] = [
  {
    // Before provision.conf in the order of names: that one puts SSH keys below /root.
    path: "usr/lib/tmpfiles.d/00-slipway.conf",
    text: `# What the links of the root directory lead to, and the way to dpkg's database.
d /var/home 0755 root root -
d /var/roothome 0700 root root -
d /var/opt 0755 root root -
d /var/srv 0755 root root -
d /var/mnt 0755 root root -
d /var/usrlocal 0755 root root -
${USR_LOCAL.map((name) => `d /var/usrlocal/${name} 0755 root root -`).join("\n")}
L /var/lib/dpkg - - - - ../../${DPKG_DIRECTORY}
`,
  },
];

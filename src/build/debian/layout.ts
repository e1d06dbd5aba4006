// The shape of the finished tree: links, units, and what may not be in an image that many machines start from.

export interface Link {
  readonly path: string;
  readonly target: string;
}

/** Directories of the root that are links into /var on an image-mode system. What they hold moves there. */
export const ROOT_LINKS: readonly Link[] = [
  { path: "home", target: "var/home" },
  { path: "root", target: "var/roothome" },
  { path: "opt", target: "var/opt" },
  { path: "srv", target: "var/srv" },
  { path: "mnt", target: "var/mnt" },
  { path: "usr/local", target: "../var/usrlocal" },
];

export const LINKS: readonly Link[] = [
  { path: "ostree", target: "sysroot/ostree" },
  { path: "etc/resolv.conf", target: "../run/systemd/resolve/stub-resolv.conf" },
  { path: "etc/default/locale", target: "../locale.conf" },
  // Directories that are links here: Debian's lines for them would only complain.
  { path: "etc/tmpfiles.d/home.conf", target: "/dev/null" },
];

/** Empty in an image: mount points, and what every machine has of its own. `mode` when it is not 0755. */
export const EMPTY_DIRECTORIES: readonly { readonly path: string; readonly mode?: number }[] = [
  { path: "boot" },
  { path: "dev" },
  { path: "proc" },
  { path: "run" },
  { path: "sys" },
  { path: "sysroot" },
  { path: "tmp", mode: 0o1777 },
  { path: "var" },
];

/** Traces of one machine or of the installation. A trailing * takes every name that begins so. */
export const REMOVED: readonly string[] = [
  "etc/hostname",
  "etc/fstab",
  "etc/.pwd.lock",
  "etc/.resolv.conf*",
  "etc/apt/sources.list",
  "etc/apt/apt.conf.d/99mmdebstrap",
  "etc/dpkg/dpkg.cfg.d/99mmdebstrap",
  "etc/group-",
  "etc/gshadow-",
  "etc/passwd-",
  "etc/shadow-",
  "etc/subgid-",
  "etc/subuid-",
  "etc/ssh/ssh_host_*",
  "initrd.img*",
  "vmlinuz*",
  "usr/lib/grub/grub-mkconfig_lib",
  "usr/lib/sysimage/dpkg/diversions-old",
  "usr/lib/sysimage/dpkg/lock*",
  "usr/lib/sysimage/dpkg/statoverride-old",
  "usr/lib/sysimage/dpkg/status-old",
];

/** Below these, files are caches, logs or states that start anew; directories stay, with their owners. */
export const VOLATILE_VAR: readonly string[] = [
  "var/backups",
  "var/cache",
  "var/lib/apt",
  "var/lib/systemd",
  "var/lib/ucf",
  "var/log",
  "var/tmp",
];

/** What only installation needs, or what apt makes anew with an owner that depends on who ran it. */
export const REMOVED_VAR: readonly string[] = [
  "var/cache/apt/archives/partial",
  "var/cache/debconf",
  "var/lib/apt/lists/partial",
  "var/lib/apt/mirrors",
  "var/lib/dpkg",
  "var/lib/systemd/deb-systemd-helper-enabled",
  "var/lib/systemd/deb-systemd-helper-masked",
  "var/lib/systemd/deb-systemd-user-helper-enabled",
  "var/lib/grub",
  "var/lib/shim-signed",
  "var/lib/ucf/cache",
];

const UNITS = "/usr/lib/systemd/system";
const SYSTEM = "etc/systemd/system";

/** Units that are started, and by what. */
const ENABLED: readonly { readonly unit: string; readonly by: string }[] = [
  { unit: "systemd-networkd.service", by: "multi-user.target" },
  { unit: "systemd-networkd.socket", by: "sockets.target" },
  { unit: "systemd-network-generator.service", by: "sysinit.target" },
  { unit: "systemd-networkd-wait-online.service", by: "network-online.target" },
  { unit: "systemd-resolved.service", by: "sysinit.target" },
  { unit: "systemd-timesyncd.service", by: "sysinit.target" },
  { unit: "ssh.service", by: "multi-user.target" },
  { unit: "ssh-host-keys.service", by: "ssh.service" },
  { unit: "grow-sysroot.service", by: "sysinit.target" },
];

const ALIASES: readonly { readonly unit: string; readonly alias: string }[] = [
  { unit: "systemd-networkd.service", alias: "dbus-org.freedesktop.network1.service" },
  { unit: "systemd-resolved.service", alias: "dbus-org.freedesktop.resolve1.service" },
  { unit: "systemd-timesyncd.service", alias: "dbus-org.freedesktop.timesync1.service" },
  { unit: "ssh.service", alias: "sshd.service" },
];

/** Units that cannot work, or must not, on an image-mode system. */
const MASKED: readonly string[] = [
  // Would ask on the console.
  "systemd-firstboot.service",
  // Would rewrite /etc/ld.so.cache, which then counts as changed here and survives every upgrade.
  "ldconfig.service",
  // Would unpack the initramfs at every shutdown, for roots on stacked devices; this root is a plain partition.
  "dracut-shutdown.service",
];

/** Package maintenance, for systems that change in place: they stay installed, nothing starts them. */
export const DISABLED: readonly string[] = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "grub-common.service",
  "sshd-keygen.service",
];

export const UNIT_LINKS: readonly Link[] = [
  ...ENABLED.map(({ unit, by }) => ({ path: `${SYSTEM}/${by}.wants/${unit}`, target: `${UNITS}/${unit}` })),
  ...ALIASES.map(({ unit, alias }) => ({ path: `${SYSTEM}/${alias}`, target: `${UNITS}/${unit}` })),
  ...MASKED.map((unit) => ({ path: `${SYSTEM}/${unit}`, target: "/dev/null" })),
];

/** Where links to units lie: `*.wants` and `*.requires` below. */
export const UNIT_DIRECTORY: string = SYSTEM;

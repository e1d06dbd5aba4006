/**
 * Packages in a RUN: a directory of a lower layer is renamed, which overlayfs refuses; package scripts that restart
 * services succeed; what apt installs from a pinned mirror is the same twice.
 */
import { afterAll, beforeAll, describe, expect } from "vitest";
import { debianBase, debianThere } from "../support/build-bases.ts";
import { flatRepository } from "../support/build-debs.ts";
import { type FileServer, serveFiles, succeeded, Workbench } from "../support/build-workbench.ts";
import { asRoot, missingOf, oracle, run, tempDir } from "../support/tools.ts";

const NEEDS = [debianThere, "dpkg-deb"];
const EPOCH = "1600000000";
/** rename(2) and nothing else: mv would copy when the kernel refuses. */
const RENAME = (from: string, to: string): string => `perl -e 'rename("${from}", "${to}") or die "rename: $!\\n"'`;

const UNIT = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";
const PACKAGES = [
  { name: "slipway-one", files: { "usr/share/one/file": "one\n", "etc/one.conf": "one\n" } },
  {
    name: "slipway-two",
    depends: "slipway-one",
    files: { "usr/lib/systemd/system/slipway-two.service": UNIT },
    postinst: [
      "systemctl daemon-reload",
      "systemctl enable slipway-two.service",
      "systemctl restart slipway-two.service",
      "systemctl --quiet is-active slipway-two.service || true",
      "deb-systemd-invoke restart slipway-two.service",
      "echo configured > /usr/share/one/by-two",
    ].join("\n"),
  },
];

let bench: Workbench;
let mirror: FileServer;

beforeAll(async () => {
  if (missingOf(NEEDS).length > 0) return;
  bench = await Workbench.make({ "localhost/debian:1": `oci:${await debianBase()}:1` });
  mirror = await serveFiles(await flatRepository(PACKAGES, bench.folder.path));
});

afterAll(async () => {
  bench?.[Symbol.dispose]();
  await mirror?.[Symbol.asyncDispose]();
});

describe("a directory of a lower layer", () => {
  oracle(
    [asRoot, "unshare", "perl"],
    "cannot be renamed on overlayfs: Invalid cross-device link",
    async () => {
      using folder = tempDir();
      const script = [
        `cd ${folder.path} && mount -t tmpfs tmpfs . && mkdir -p lower/old upper work merged`,
        "mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,redirect_dir=off merged",
        RENAME("merged/old", "merged/new"),
      ];
      const { stderr, exitCode } = await run("unshare", ["--mount", "sh", "-ec", script.join("\n")], {
        allowExit: [0, 18],
      });
      expect(stderr).toBe("rename: Invalid cross-device link\n");
      expect(exitCode).toBe(18);
    },
    { proves: "that builders on overlayfs fail where ours does not" },
  );

  oracle(
    NEEDS,
    "is renamed by a RUN of ours",
    async () => {
      const lines = [
        "FROM localhost/debian:1",
        "RUN mkdir -p /var/lib/policy/active/modules && echo module > /var/lib/policy/active/modules/one",
        `RUN ${RENAME("/var/lib/policy/active", "/var/lib/policy/previous")}`,
        `RUN ${RENAME("/usr/share/doc", "/usr/share/documentation")} && test -f /var/lib/policy/previous/modules/one`,
      ];
      succeeded(await bench.build({ Containerfile: lines.join("\n") }, "localhost/renamed:1"));
    },
    { proves: "libsemanage and its like work in our RUN" },
  );
});

describe("packages of a mirror on loopback", () => {
  const containerfile = (): string =>
    [
      "FROM localhost/debian:1",
      `RUN echo "deb [trusted=yes] ${mirror.url} ./" > /etc/apt/sources.list && rm -rf /etc/apt/sources.list.d`,
      "RUN apt-get update && apt-get install -y slipway-two",
      // Written anew each time, with the time in them.
      "RUN rm -rf /var/log/apt /var/log/dpkg.log /var/cache/ldconfig/aux-cache /var/lib/apt/lists /var/cache/apt/*.bin",
    ].join("\n");

  oracle(
    NEEDS,
    "are installed though their scripts restart services, and the services are enabled",
    async () => {
      const outcome = succeeded(await bench.build({ Containerfile: containerfile() }, "localhost/packages:1"));
      expect(outcome.stderr + outcome.stdout).toContain("slipway-two");
      const check = [
        "FROM localhost/packages:1",
        "RUN test -f /usr/share/one/by-two && test -L /etc/systemd/system/multi-user.target.wants/slipway-two.service",
        "RUN dpkg -s slipway-one slipway-two | grep -c '^Status: install ok installed$' | grep -qx 2",
        // The shim is for the time of a RUN.
        "RUN dpkg --verify systemd",
      ];
      succeeded(await bench.build({ Containerfile: check.join("\n") }, "localhost/check:1"));
    },
    { proves: "package scripts run in our sandbox" },
  );

  oracle(
    NEEDS,
    "make the same image twice, but for nothing",
    async () => {
      // Logs and lists are gone only with the layers that have them.
      const args = ["--no-cache", "--squash", "--timestamp", EPOCH];
      const digests: string[] = [];
      for (const name of ["localhost/same:1", "localhost/same:2"]) {
        succeeded(await bench.build({ Containerfile: containerfile() }, name, { args }));
        digests.push((await bench.image(name)).manifestDigest);
      }
      if (digests[0] !== digests[1]) {
        const base = (await bench.image("localhost/debian:1")).layers[0]?.diffId ?? "";
        // Shows which files differ.
        expect(await bench.list("localhost/same:2", base)).toEqual(await bench.list("localhost/same:1", base));
      }
      expect(digests[1]).toBe(digests[0]);
    },
    { proves: "apt steps are reproducible" },
  );
});

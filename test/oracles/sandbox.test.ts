/** The sandbox of RUN, judged by the kernel: what a command sees of it, and that nothing is left when it ends. */
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect } from "vitest";
import { oracleRoot, rootDirectory } from "../support/oracle-root.ts";
import { LEAKED, processesWith, sandbox, sandboxes, type Who } from "../support/sandbox-runs.ts";
import { slipway } from "../support/slipway.ts";
import { oracle, run } from "../support/tools.ts";

const USERS: readonly Who[] = ["root", "user"];
const proves = "RUN steps run apart from this machine";

for (const who of USERS) {
  describe(`a sandbox of ${who}`, () => {
    oracle(
      sandboxes,
      "has its own ids, environment, processes, names and devices, and leaves the root as it was",
      async () => {
        using box = await sandbox(who);
        utimesSync(join(box.root, "etc"), 1000, 1000);
        utimesSync(box.root, 1001, 1001);
        expect((await box.run("true")).exitCode).toBe(0);
        const before = await box.listing();
        const script = `id; env; pwd; echo "$$"; hostname; cat /etc/hostname; ls /dev; readlink /dev/fd; readlink /dev/ptmx
          echo x >/dev/null; umask; stat -c '%n %a' /dev/shm; touch /proc/sys/kernel/hostname && echo x >/proc/sys/kernel/panic
          grep CapBnd /proc/self/status; grep -c slipway /etc/hosts; ps | grep -c '[s]leep'`;
        const outcome = await box.run(script, {
          uid: 5,
          gid: 6,
          groups: [7, 8],
          env: { PATH: "/bin", at: "1", HOME: "/h\nx", slipway_at: "7", LANG: "xx", "a.b": "2" },
          cwd: "/etc",
        });
        expect(outcome).toMatchObject({ ids: who === "root" ? "all" : "range", notes: [] });
        expect(outcome.stdout).toContain("uid=5 gid=6 groups=7,8");
        for (const variable of ["at=1", "HOME=/h\nx", "LANG=xx", "slipway_at=7", "PATH=/bin"])
          expect(outcome.stdout).toContain(`${variable}\n`);
        expect(outcome.stdout).toContain("/etc\n");
        expect(outcome.stdout).toContain("slipway\nslipway\n");
        expect(outcome.stdout).toContain(
          "full\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero\n",
        );
        expect(outcome.stdout).toContain("/proc/self/fd\npts/ptmx\n0022\n/dev/shm 1777\n");
        expect(outcome.stdout).toContain("CapBnd:\t00000000800405fb\n");
        expect(outcome.stdout).not.toContain("SLIPWAY");
        expect(outcome.stderr).toContain("Read-only file system");
        const devices = await box.run(
          `busybox chmod 600 /dev/null; busybox chown 5 /dev/tty; busybox mknod /n c 1 3; ls /proc/self/fd/${LEAKED}/`,
        );
        expect(devices.stderr).toMatch(/null: Read-only[^]*tty: Read-only[^]*n: Operation not permitted/);
        expect(devices.stderr).toContain(`/proc/self/fd/${LEAKED}/: Not a directory`);
        expect(statSync("/dev/null").mode & 0o777).toBe(0o666);
        expect(await box.listing()).toBe(before);
        expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(box.path);
      },
      { proves },
    );

    oracle(
      sandboxes,
      "mounts folders, files and memory where the command looks for them",
      async () => {
        using box = await sandbox(who);
        const source = await box.openFolder("sour ce\n");
        writeFileSync(join(source, "f"), "of the source");
        const before = await box.listing();
        const outcome = await box.run(
          `cat /data/f; touch /data/g; touch "/-w \\x/g"; stat -c '%a %u %n' /tmp/x; cat /run/secrets/k /only/f
          stat -c '%a %u %g' /run/secrets/k; echo x >/run/secrets/k; find / -xdev -name k; cat /link/deep/f`,
          {
            mounts: [
              { type: "bind", target: "/data", source, readonly: true },
              { type: "bind", target: "/-w \\x", source, readonly: false },
              { type: "bind", target: "/only/f", source: join(source, "f"), readonly: true },
              { type: "tmpfs", target: "/tmp/x", sizeBytes: 65_536, mode: 0o700 },
              { type: "text", target: "/run/secrets/k", text: "s3\0cret", mode: 0o400, uid: 9 },
              { type: "bind", target: "/link/deep", source, readonly: true },
            ],
          },
        );
        expect(outcome.stdout).toContain("of the source700 0 /tmp/x\ns3\0cretof the source400 9 9\n");
        expect(outcome.stderr).toMatch(/\/data\/g: Read-only file system/);
        expect(outcome.stderr).toMatch(/\/run\/secrets\/k: Read-only file system/);
        expect(outcome.exitCode).toBe(0);
        expect(readdirSync(source)).toEqual(["f", "g"]);
        expect(await box.listing()).toBe(before);
      },
      { proves },
    );

    oracle(
      sandboxes,
      "gives exit codes and input as they are, and no network when none is wanted",
      async () => {
        using box = await sandbox(who);
        const outcomes = await box.runAll([
          { argv: ["sh", "-c", "exit 7"] },
          { argv: ["sh", "-c", "kill -9 $$"] },
          { argv: ["sh", "-c", "kill -TERM $$"] },
          { argv: ["no-such"] },
          { argv: ["sh", "-c", "cat; exit 3"], stdinText: "a\0b" },
          { argv: ["cat"] },
          { argv: ["sh", "-c", "echo a >/dev/stdout; echo b >/dev/stderr; cat /dev/stdin"], uid: 5 },
          {
            argv: ["sh", "-c", "grep -c lo: /proc/net/dev; ls /sys/class/net; ifconfig; cat /etc/resolv.conf"],
            network: "none",
          },
        ]);
        expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([7, 137, 143, 127, 3, 0, 0, 0]);
        expect(outcomes.map(({ stdout }) => stdout).slice(0, 7)).toEqual(["", "", "", "", "a\0b", "", "a\n"]);
        const network = outcomes[7]?.stdout ?? "";
        expect(network.split("\n").filter((line) => /^\w/.test(line))).toEqual([
          "1",
          "lo",
          expect.stringMatching(/^lo /),
        ]);
        expect(network).toContain("127.0.0.1");
      },
      { proves },
    );

    oracle(
      sandboxes,
      "ends with everything in it when it is interrupted, when Slipway is killed, and when the command ends",
      async () => {
        using box = await sandbox(who);
        const stays = (name: string): string =>
          `trap '' TERM INT HUP; (setsid sleep ${name} &); echo go; sleep ${name}`;
        expect(await box.run(stays("98761"), { abort: true })).toMatchObject({ error: { name: "AbortError" } });
        expect(processesWith("98761")).toEqual([]);
        expect((await box.run("(setsid sleep 98762 &); echo go")).exitCode).toBe(0);
        expect(processesWith("98762")).toEqual([]);
        for (const uid of [0, 5]) {
          await box.kill(stays("98763"), { uid });
          await expect.poll(() => processesWith("98763"), { timeout: 5000 }).toEqual([]);
        }
        expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(box.path);
      },
      { proves, timeoutMs: 60_000 },
    );

    oracle(
      [...sandboxes, "qemu-aarch64-static"],
      "runs programs of another architecture, with nothing left on this machine",
      async () => {
        using box = await sandbox(who);
        const handlers = (): string[] => readdirSync("/proc/sys/fs/binfmt_misc");
        const before = handlers();
        writeFileSync(join(box.root, "exit42"), program("arm64", 42), { mode: 0o755 });
        expect(await box.run("/exit42", { architecture: "arm64" })).toMatchObject({ exitCode: 42, stderr: "" });
        expect(await box.run("", { architecture: "arm64", argv: ["/exit42"], uid: 5 })).toMatchObject({ exitCode: 42 });
        expect(handlers()).toEqual(before);
      },
      { proves: "qemu-user works in a binfmt_misc of the sandbox's own" },
    );

    oracle(
      sandboxes,
      "has a systemctl that changes files and starts nothing",
      async () => {
        using box = await sandbox(who);
        mkdirSync(join(box.root, "usr/bin"), { recursive: true });
        const real = join(box.root, "usr/bin/systemctl");
        writeFileSync(real, '#!/bin/sh\necho "real: $* offline=$SYSTEMD_OFFLINE"\n', { mode: 0o755 });
        const before = await box.listing();
        const path = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/bin:/bin" };
        const script =
          "systemctl -q restart x; systemctl enable --now 'a b'; systemctl daemon-reload; unset SYSTEMD_OFFLINE; systemctl mask y";
        const outcome = await box.run(script, { env: path });
        expect(outcome.stdout).toBe("real: enable a b offline=1\nreal: mask y offline=1\n");
        expect(outcome.stderr.split("\n").map((line) => /systemctl .*/.exec(line)?.[0])).toEqual([
          "systemctl -q restart x",
          "systemctl daemon-reload",
          undefined,
        ]);
        expect(await box.listing()).toBe(before);
        // As dpkg upgrades it: a new file beside it, renamed over it.
        const upgrade = "echo new >/usr/bin/systemctl.new && busybox mv /usr/bin/systemctl.new /usr/bin/systemctl";
        expect((await box.run(upgrade, { env: path })).exitCode).toBe(0);
        expect(readFileSync(real, "utf8")).toBe("new\n");
      },
      { proves: "package scripts that restart services succeed" },
    );

    oracle(
      sandboxes,
      "has a dpkg that does not wait for the disk, unless the image sets what it forces",
      async () => {
        using box = await sandbox(who);
        const script = 'echo "${DPKG_FORCE-none}"';
        expect((await box.run(script)).stdout).toBe("none\n");
        mkdirSync(join(box.root, "usr/bin"), { recursive: true });
        writeFileSync(join(box.root, "usr/bin/dpkg"), "");
        expect((await box.run(script)).stdout).toBe("security-mac,downgrade,unsafe-io\n");
        expect((await box.run(script, { env: { PATH: "/bin", DPKG_FORCE: "all" } })).stdout).toBe("all\n");
      },
      { proves: "packages are unpacked without a sync for each file" },
    );
  });
}

describe("a sandbox with one id", () => {
  oracle(
    sandboxes,
    "runs until something changes an owner, and knows the cure",
    async () => {
      using box = await sandbox("user with one id");
      const outcome = await box.run("id; touch /f; chown 5 /f");
      expect(outcome).toMatchObject({
        ids: "one",
        exitCode: 1,
        stderr: expect.stringContaining("chown: /f: Invalid argument"),
        notes: [outcome.cure],
        cure: expect.stringMatching(/apt-get install uidmap && usermod --add-subuids .* tester/),
      });
      expect((await box.run("true", { uid: 5 })).error).toMatchObject({ code: "SANDBOX", hint: outcome.cure });
    },
    { proves },
  );
});

describe("a handler of this machine's", () => {
  oracle(
    [...sandboxes, "qemu-riscv64-static"],
    "is given and taken away by slipway cross, and runs programs in a sandbox",
    async () => {
      using box = await sandbox("user");
      writeFileSync(join(box.root, "exit42"), program("riscv64", 42), { mode: 0o755 });
      const exit42 = { argv: ["/exit42"] };
      const cross = (...args: string[]): ReturnType<typeof slipway> => slipway(["cross", ...args]);
      const handlers = (): string[] => readdirSync("/proc/sys/fs/binfmt_misc");
      const before = handlers();
      expect(await cross("enable", "riscv64")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--yes") });
      expect(handlers()).toEqual(before);
      const enabled = await cross("enable", "riscv64", "--yes");
      try {
        expect(enabled).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("qemu-riscv64-static:FP") });
        expect(handlers().toSorted()).toEqual([...before, "slipway-riscv64"].toSorted());
        const emulator = { architecture: "riscv64", path: "/usr/bin/qemu-riscv64-static", handler: "host" } as const;
        expect(await box.runAll([{ ...exit42, emulator }])).toMatchObject([{ exitCode: 42 }]);
        const { stdout } = await cross("status", "riscv64", "--json");
        expect(JSON.parse(stdout)).toMatchObject({
          architectures: [{ architecture: "riscv64", handlers: ["slipway-riscv64"], ours: true }],
        });
      } finally {
        expect(await cross("disable", "riscv64", "--yes")).toMatchObject({ exitCode: 0 });
      }
      expect(handlers()).toEqual(before);
      expect((await cross("disable", "riscv64", "--yes")).stdout).toContain("nothing to do");
      expect(await box.runAll([exit42])).toMatchObject([{ exitCode: 127 }]);
    },
    { proves: "machines with older kernels run programs of other architectures", timeoutMs: 60_000 },
  );
});

describe("a sandbox in a container", () => {
  oracle(
    [...sandboxes, oracleRoot, "podman", "runc"],
    "works with default options, with the proc of the container",
    async () => {
      using box = await sandbox("root");
      const clone = dirname(dirname(import.meta.dirname));
      const volumes = [`${clone}:${clone}:ro`, `${process.execPath}:/usr/bin/node:ro`, `${box.path}:/sandbox`];
      // Not every machine lets a runtime raise these.
      const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
      const program = ["--rootfs", `${await rootDirectory()}:O`, "node", join(clone, "test/support/run-sandbox.ts")];
      const order = {
        root: "/sandbox/ro ot",
        argv: ["sh", "-c", "id; cat /proc/self/status | grep CapBnd; chown 5 /etc"],
      };
      const { stdout } = await run(
        "podman",
        ["--runtime", "runc", "run", "--rm", "-i", limits, volumes.map((each) => `--volume=${each}`), program].flat(),
        { input: JSON.stringify([order]) },
      );
      expect(JSON.parse(stdout.split("\n")[1] ?? "")).toMatchObject({
        ids: "all",
        exitCode: 0,
        stdout: "uid=0 gid=0\nCapBnd:\t00000000800405fb\n",
        notes: [expect.stringContaining("read-only")],
      });
      expect(readdirSync(box.root).toSorted()).toEqual(["bin", "etc"]);
    },
    { proves: "builds run in a CI job's container", timeoutMs: 600_000 },
  );
});

const CODE = {
  /** mov x0, #code; mov x8, #93 (exit); svc #0. */
  arm64: { machine: 183, code: (code: number) => [0xd280_0000 + code * 32, 0xd280_0ba8, 0xd400_0001] },
  /** li a0, code; li a7, 93; ecall. */
  riscv64: { machine: 243, code: (code: number) => [0x513 + code * 0x10_0000, 0x05d0_0893, 0x73] },
};

/** A static ELF file that exits with this code. */
function program(architecture: keyof typeof CODE, exitCode: number): Uint8Array {
  const { machine, code } = CODE[architecture];
  const bytes = Buffer.alloc(132);
  const address = 0x40_0000n;
  // File header, then one program header: all of the file is loaded, readable and executable.
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(machine, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(address + 120n, 24);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.set([64, 0, 56, 0, 1, 0], 52);
  bytes.writeUInt32LE(1, 64);
  bytes.writeUInt32LE(5, 68);
  for (const at of [80, 88]) bytes.writeBigUInt64LE(address, at);
  for (const at of [96, 104]) bytes.writeBigUInt64LE(132n, at);
  bytes.writeBigUInt64LE(0x1000n, 112);
  for (const [at, instruction] of code(exitCode).entries()) bytes.writeUInt32LE(instruction, 120 + at * 4);
  return bytes;
}

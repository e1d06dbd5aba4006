/** Hostile roots and mounts for the sandbox of RUN: whatever is in them, the machine stays as it was. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { sandbox, sandboxes, type Who } from "../support/sandbox-runs.ts";
import { oracle } from "../support/tools.ts";

const USERS: readonly Who[] = ["root", "user"];
const proves = "no image and no Containerfile reaches the machine that builds it";

for (const who of USERS) {
  describe(`a hostile root of ${who}`, () => {
    oracle(
      sandboxes,
      "never leaves the root, whatever the root's symbolic links say",
      async () => {
        using box = await sandbox(who);
        const victim = await box.openFolder("victim");
        rmSync(join(box.root, "etc"), { recursive: true });
        const links = { etc: "/", dev: victim, proc: `../../../../../..${victim}`, up: "../../..", loop: "loop" };
        for (const [name, target] of Object.entries(links)) symlinkSync(target, join(box.root, name));
        const before = await box.listing();
        const outcome = await box.run("cat /hosts /up/hostname; ls /dev/ /proc/self/ >/dev/null; true", {
          mounts: [
            { type: "tmpfs", target: "/etc/up/x/../y" },
            { type: "text", target: "/dev/k", text: "s3cret", mode: 0o400, uid: 0 },
          ],
        });
        expect(outcome.stdout).toMatch(/localhost[^]*slipway\n$/);
        expect(readdirSync(victim)).toEqual([]);
        expect(await box.listing()).toBe(before);
        for (const target of ["/loop/x", "/up", "/bin/sh/x"]) {
          const { error } = await box.run("true", { mounts: [{ type: "tmpfs", target }] });
          expect(error).toMatchObject({
            code: "SANDBOX",
            message: expect.stringContaining(`cannot mount on ${target}`),
          });
        }
        expect(await box.listing()).toBe(before);
      },
      { proves },
    );

    oracle(
      sandboxes,
      "mounts below names with blanks and backslashes",
      async () => {
        using box = await sandbox(who);
        const links = { proc: "my\tpr#c \\040 ", dev: "d e\nv", sys: "s\\ys" };
        for (const [name, target] of Object.entries(links)) symlinkSync(target, join(box.root, name));
        symlinkSync("../my hosts", join(box.root, "etc/hosts"));
        const before = await box.listing();
        const outcome = await box.run(
          "cat /etc/hosts /proc/self/comm; test -c /dev/pts/ptmx && echo x >/dev/null && cat /proc/self/mountinfo",
          { mounts: [{ type: "tmpfs", target: "/m n/o" }] },
        );
        expect(outcome.stdout).toMatch(/slipway\ncat\n/);
        const writable = outcome.stdout.split("\n").filter((line) => /^(\S+ ){5}rw/.test(line));
        expect(
          writable.map((line) => line.split(" ")[4]).filter((on) => /^\/(s.134ys|my.*\/|d.*\/null)/.test(on ?? "")),
        ).toEqual([]);
        expect(await box.listing()).toBe(before);
      },
      { proves },
    );

    oracle(
      sandboxes,
      "writes nothing through links in what is mounted over /dev",
      async () => {
        using box = await sandbox(who);
        const victim = await box.openFolder("victim");
        const cache = await box.openFolder("cache");
        for (const name of [".0", ".4", ".out", ".1important"]) symlinkSync(join(victim, name), join(cache, name));
        const { stdout } = await box.run("cat /run/k; echo fine", {
          mounts: [
            { type: "bind", source: cache, target: "/dev", readonly: false },
            { type: "text", target: "/run/k", text: "s3cret\n", mode: 0o400, uid: 0 },
          ],
        });
        expect(stdout).toBe("s3cret\nfine\n");
        expect(readdirSync(victim)).toEqual([]);
        expect(readdirSync(cache).toSorted()).toEqual([".0", ".1important", ".4", ".out"]);
      },
      { proves },
    );

    oracle(
      sandboxes,
      "keeps what is read-only so, below any name and over any other mount",
      async () => {
        using box = await sandbox(who);
        const source = await box.openFolder("source");
        for (const target of ["/my 1dir", "/a\t7\n0\\0401#", "/etc", "/m"]) {
          const bind = { type: "bind", source, target, readonly: true } as const;
          const mounts = [{ type: "tmpfs", target: "/m/x" } as const, bind];
          const outcome = await box.run(`cd "$AT"; echo x >f; test $PWD = "$AT" && echo in`, {
            mounts,
            env: { AT: target, PATH: "/bin" },
          });
          expect(outcome.stderr, target).toContain("Read-only file system");
          expect(readdirSync(source)).toEqual([]);
        }
      },
      { proves },
    );

    oracle(
      sandboxes,
      "leaves what the root has where another mount hid it",
      async () => {
        using box = await sandbox(who);
        await box.run("mkdir -p /etc/cache/apt /etc/secrets");
        const before = await box.listing();
        const outcome = await box.run("ls /etc/cache /etc/secrets", {
          mounts: [
            { type: "tmpfs", target: "/etc/cache" },
            { type: "tmpfs", target: "/etc/cache/apt/x" },
            { type: "tmpfs", target: "/etc/secrets/" },
            { type: "tmpfs", target: "/etc/secrets/more" },
          ],
        });
        expect(outcome.stdout).toBe("/etc/cache:\napt\n\n/etc/secrets:\nmore\n");
        expect(await box.listing()).toBe(before);
      },
      { proves },
    );

    oracle(
      sandboxes,
      "writes nothing to the machine where /dev leads below /sys",
      async () => {
        using box = await sandbox(who);
        mkdirSync(join(box.root, "sys"));
        symlinkSync("sys/fs/cgroup", join(box.root, "dev"));
        const machine = readdirSync("/sys/fs/cgroup");
        const { stdout, error } = await box.run("ls /dev/null");
        // Where it would hide what has to become read-only, it is refused.
        if (error === undefined) expect(stdout).toBe("/dev/null\n");
        else expect(error).toMatchObject({ code: "SANDBOX" });
        expect(readdirSync("/sys/fs/cgroup")).toEqual(machine);
      },
      { proves },
    );

    oracle(
      sandboxes,
      "takes its mount points away and nothing that the command put in their place",
      async () => {
        using box = await sandbox(who);
        const victim = box.join("victim");
        mkdirSync(join(victim, "stub.conf"), { recursive: true });
        symlinkSync("../run/resolve/stub.conf", join(box.root, "etc/resolv.conf"));
        const outcome = await box.run(
          `cat /etc/resolv.conf >/seen; cd /run && busybox mv resolve other && busybox ln -s ${victim} resolve`,
        );
        expect(outcome).toMatchObject({ exitCode: 0, stderr: "" });
        expect(readFileSync(join(box.root, "seen"), "utf8")).toBe(readFileSync("/etc/resolv.conf", "utf8"));
        expect(readdirSync(victim)).toEqual(["stub.conf"]);
        expect(readlinkSync(join(box.root, "run/resolve"))).toBe(victim);
        expect(readdirSync(join(box.root, "etc"))).toEqual(["resolv.conf"]);
      },
      { proves },
    );
  });
}

import { describe, expect, it } from "vitest";
import { setupArguments, setupEnvironment, unshareArguments } from "./command-line.ts";
import type { SandboxRun } from "./request.ts";

const PROGRAMS = { env: "/usr/bin/env", setpriv: "/usr/bin/setpriv", unshare: "/usr/bin/unshare" };

const RUN: SandboxRun = {
  root: "/store/ro ot",
  argv: ["/bin/sh", "-c", "id; 'x'"],
  env: { PATH: "/bin" },
  cwd: "/",
  uid: 0,
  gid: 0,
  groups: [],
  mounts: [],
  network: "host",
  signal: new AbortController().signal,
  onOutput: () => undefined,
};

function argumentsOf(change: Partial<SandboxRun>, oneId = false): { mounts: string[]; command: string[] } {
  const args = setupArguments({ ...RUN, ...change }, "/own", PROGRAMS, oneId);
  const end = args.indexOf("--");
  return { mounts: args.slice(4, end), command: args.slice(end + 1) };
}

describe("the command", () => {
  it("gets its ids and directory from one host program after the other", () => {
    const { command } = argumentsOf({ uid: 1000, gid: 50, groups: [5, 44], cwd: "/a b" });
    const setpriv = ["/usr/bin/setpriv", "--regid=50", "--groups", "5,44", "--inh-caps=-all"];
    const capabilities = expect.stringMatching(/^--bounding-set=-all,\+chown,/) as string;
    const unshare = ["/usr/bin/unshare", "--root=.", "--wd=/a b", "--setuid=1000", "--"];
    expect(command).toEqual([setpriv, capabilities, "--", unshare, RUN.argv].flat());
  });
  it("has no groups unless told, and keeps them where they may not be changed", () => {
    expect(argumentsOf({}).command).toContain("--clear-groups");
    expect(argumentsOf({}, true).command).toContain("--keep-groups");
  });
  it("gets variables for the loader from its own env, where they cannot reach this machine's programs", () => {
    const { command } = argumentsOf({ env: { LD_PRELOAD: "/x.so", A: "1", GLIBC_TUNABLES: "y" } });
    const end = command.lastIndexOf("--");
    expect(command.slice(0, end)).not.toContain("LD_PRELOAD=/x.so");
    expect(command.slice(end + 1)).toEqual(["env", "LD_PRELOAD=/x.so", "GLIBC_TUNABLES=y", "/bin/sh", "-c", "id; 'x'"]);
  });
});

describe("the environment", () => {
  it("is no argument of any process that stays", () => {
    const env = {
      TOKEN: "s3cret",
      n: "1\n2",
      _x: "",
      "a.b": "2",
      PATH: "/bin",
      LANG: "C",
      UID: "0",
      LD_X: "3",
      "": "4",
    };
    expect(setupEnvironment({ env })).toEqual({
      SLIPWAY_ENV_0: "TOKEN=s3cret",
      SLIPWAY_ENV_1: "n=1\n2",
      SLIPWAY_ENV_2: "_x=",
      SLIPWAY_ODD_0: "a.b=2",
      SLIPWAY_ODD_1: "PATH=/bin",
      SLIPWAY_ODD_2: "LANG=C",
      SLIPWAY_ODD_3: "UID=0",
      SLIPWAY_ODD_4: "=4",
    });
    const { command } = argumentsOf({ env });
    const assignments = command.filter((each) => each.includes("=") && !each.startsWith("-"));
    expect(assignments).toEqual(["LD_X=3"]);
  });
  it("keeps what only looks like a shell's from a shell's ways", () => {
    const env = { MAILGUN_API_KEY: "1", LANGCHAIN_API_KEY: "2", HISTORY: "3", OPTIONS: "4", BASHFUL: "5" };
    expect(Object.keys(setupEnvironment({ env }))).toEqual([0, 1, 2, 3, 4].map((at) => `SLIPWAY_ENV_${at}`));
  });
  it("is refused when one variable or argument is longer than Linux takes", () => {
    expect(() => argumentsOf({ env: { A: "x".repeat(131_070) } })).toThrow(/131072 bytes.*"A=xxx/);
    expect(argumentsOf({ env: { A: "x".repeat(131_069) } })).toBeDefined();
    expect(() => argumentsOf({ argv: ["/bin/sh", "-c", "é".repeat(65_536)] })).toThrow("Linux takes 131071");
  });
});

describe("mounts", () => {
  it("are passed as data, whatever is in their names", () => {
    const { mounts } = argumentsOf({
      mounts: [
        { type: "bind", target: "/-x\n", source: "/a $(b)", readonly: true },
        { type: "tmpfs", target: "/t" },
        { type: "tmpfs", target: "/u", sizeBytes: 4096, mode: 0o700 },
        { type: "file", target: "/run/secrets/k", content: Buffer.from("é"), mode: 0o400, uid: 1, gid: 2 },
      ],
    });
    const expected = [
      ["bind", "/-x\n", "/a $(b)", "ro"],
      ["tmpfs", "/t", "nosuid,nodev,mode=1777"],
      ["tmpfs", "/u", "nosuid,nodev,mode=0700,size=4096"],
      ["file", "/run/secrets/k", "2", "0400", "1:2"],
    ];
    expect(mounts).toEqual(expected.flat());
  });
  it("never hold what a file holds", () => {
    const file = { type: "file", target: "/k", content: Buffer.from("s3cret"), mode: 0o400, uid: 0, gid: 0 } as const;
    expect(argumentsOf({ mounts: [file] }).mounts.join(" ")).not.toContain("s3cret");
  });
  it.each(["x", "", "../x", "/a\0b"])("on %j are refused", (target) => {
    expect(() => argumentsOf({ mounts: [{ type: "tmpfs", target }] })).toThrow(/want an absolute path/);
  });
  it("bring an emulator where the sandbox has handlers of its own", () => {
    const emulator = { architecture: "arm64", path: "/usr/bin/qemu-aarch64-static" };
    expect(argumentsOf({ emulator: { ...emulator, handler: "sandbox" } }).mounts.slice(0, 2)).toEqual([
      "binfmt",
      "qemu-arm64",
    ]);
    expect(argumentsOf({ emulator: { ...emulator, handler: "host" } }).mounts).toEqual([]);
  });
});

describe("namespaces", () => {
  it("are new ones, with the network only when it is none", () => {
    expect(unshareArguments({ network: "host" })).not.toContain("--net");
    expect(unshareArguments({ network: "none" })).toContain("--net");
  });
});

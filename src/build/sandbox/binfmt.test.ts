import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARCHITECTURES, elfPattern, handles, parseHandler, registerLine } from "./binfmt.ts";
import { hasOwnBinfmt } from "./emulator.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

// As qemu's own packages register it.
const QEMU_AARCH64 = `enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: PF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
`;

describe("programs of an architecture", () => {
  it.each([
    ["arm64", "7f454c460201010000000000000000000200b700", "ffffffffffffff00fffffffffffffffffeffffff"],
    ["arm", "7f454c4601010100000000000000000002002800", "ffffffffffffff00fffffffffffffffffeffffff"],
    ["riscv64", "7f454c460201010000000000000000000200f300", "ffffffffffffff00fffffffffffffffffeffffff"],
    ["s390x", "7f454c4602020100000000000000000000020016", "ffffffffffffff00fffffffffffffffffffeffff"],
    ["amd64", "7f454c4602010100000000000000000002003e00", "ffffffffffffff00fffffffffffffffffeffffff"],
  ])("of %s are told by their ELF header", (architecture, magic, mask) => {
    const pattern = elfPattern(architecture);
    expect([hex(pattern.magic), hex(pattern.mask)]).toEqual([magic, mask]);
  });
  it("are registered in one line", () => {
    const line = registerLine("qemu-arm64", "arm64", "/usr/bin/qemu-aarch64-static", "FPC");
    expect(line).toMatch(
      /^:qemu-arm64:M::(\\x[0-9a-f]{2}){20}:(\\x[0-9a-f]{2}){20}:\/usr\/bin\/qemu-aarch64-static:FPC$/,
    );
    // The kernel's limit for a registration.
    expect(line.length).toBeLessThan(1920);
  });
});

describe("handlers", () => {
  it("are read as the kernel shows them", () => {
    const handler = parseHandler(QEMU_AARCH64);
    expect(handler).toMatchObject({
      enabled: true,
      interpreter: "/usr/libexec/qemu-binfmt/aarch64-binfmt-P",
      flags: "PF",
      offset: 0,
    });
    expect(ARCHITECTURES.filter((each) => handler !== undefined && handles(handler, each))).toEqual(["arm64"]);
  });
  it.each(["", "enabled\n", "enabled\ninterpreter /x\nflags: \nextension .py\n"])("are not in %j", (text) =>
    expect(parseHandler(text)).toBeUndefined(),
  );
  it("are for one architecture each, and a handler of every ELF file for none", () => {
    const all = parseHandler("enabled\ninterpreter /x\nflags: F\noffset 0\nmagic 7f454c46\n");
    expect(ARCHITECTURES.filter((each) => all !== undefined && handles(all, each))).toEqual([]);
  });
  it("survive any text", () => {
    fc.assert(
      fc.property(fc.nat(QEMU_AARCH64.length), fc.string(), (at, text) => {
        const handler = parseHandler(QEMU_AARCH64.slice(0, at) + text + QEMU_AARCH64.slice(at + text.length));
        if (handler !== undefined) handles(handler, "arm64");
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});

describe("a binfmt_misc for each user namespace", () => {
  it.each([
    ["6.7.0", true],
    ["6.18.44-fc-v445", true],
    ["7.0-rc1", true],
    ["6.6.87+", false],
    ["5.14.0-611.el9", false],
    ["", false],
  ])("in Linux %s: %s", (release, expected) => expect(hasOwnBinfmt(release)).toBe(expected));
});

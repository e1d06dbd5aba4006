import { describe, expect, it } from "vitest";
import { qemuArguments, type QemuSpec } from "./arguments.ts";
import { machineFor } from "./machine.ts";

const SPEC: QemuSpec = {
  machine: machineFor("x86_64"),
  accelerator: "tcg",
  cpu: "Nehalem",
  cpus: 1,
  memoryBytes: 2 * 1024 ** 3,
  firmware: { code: "/fw/code", variables: "/tmp/vars" },
  secureBoot: false,
  disk: { path: "/d/a,b.qcow2", format: "qcow2", isThrowAway: true },
  sshPort: 2222,
  qmpSocket: "/tmp/qmp",
  credentials: { "ssh.authorized_keys.root": "ssh-ed25519 AAAA" },
};

describe("QEMU's arguments", () => {
  it("name memory, disk and ports, with commas doubled", () => {
    const args = qemuArguments(SPEC).join(" ");
    expect(args).toContain("-m 2048M");
    expect(args).toContain("file=/d/a,,b.qcow2");
    expect(args).toContain("hostfwd=tcp:127.0.0.1:2222-:22");
    expect(args).toContain(
      `io.systemd.credential.binary:ssh.authorized_keys.root=${Buffer.from("ssh-ed25519 AAAA").toString("base64")}`,
    );
    expect(args).not.toContain("smm=on");
  });
  it("guard the variable store when Secure Boot is on", () => {
    expect(qemuArguments({ ...SPEC, secureBoot: true }).join(" ")).toContain(
      "driver=cfi.pflash01,property=secure,value=on",
    );
  });
  it("know both names of an architecture and refuse others", () => {
    expect(machineFor("aarch64")).toBe(machineFor("arm64"));
    expect(() => machineFor("riscv64")).toThrow(/riscv64/);
  });
});

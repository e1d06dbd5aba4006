import { describe, expect, it } from "vitest";
import { type HostNamespace, hostPath, nameList, runTool } from "./host-tools.ts";

const HERE: HostNamespace = { ids: "all", enter: (program, args) => ({ program, args }) };

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(65536);
}

describe("runTool", () => {
  it("runs the program that the namespace names, with input and output", async () => {
    const entered: HostNamespace = {
      ids: "one",
      enter: (program, args) => ({ program: "env", args: [program, ...args] }),
    };
    const chunks: Buffer[] = [];
    await runTool(entered, "tr", ["\\0", "|"], {
      input: nameList(["a", "b\n\xff"]),
      onOutput: (chunk) => chunks.push(chunk),
    });
    expect(Buffer.concat(chunks).toString("latin1")).toBe("./a|./b\n\xff|");
  });

  it("says what the program said, and the cure where there is one", async () => {
    const failing = (text: string): Promise<void> => runTool(HERE, "sh", ["-c", `echo "${text}" >&2; exit 2`]);
    await expect(failing("tar: it is broken")).rejects.toMatchObject({
      code: "SANDBOX",
      message: "cannot work on the root of a step: sh says tar: it is broken",
      hint: undefined,
    });
    await expect(failing("tar: x: Cannot change ownership to uid 99999")).rejects.toMatchObject({
      hint: expect.stringContaining("/etc/subuid"),
    });
    await expect(failing("find: unrecognized option: printf")).rejects.toMatchObject({
      hint: expect.stringContaining("GNU"),
    });
    await expect(runTool(HERE, "no-such-program", [])).rejects.toMatchObject({ code: "NOT_INSTALLED" });
  });

  it("tells the failure of a program that did not read its input, and that of the input itself", async () => {
    await expect(runTool(HERE, "sh", ["-c", "exit 3"], { input: endless() })).rejects.toMatchObject({
      code: "SANDBOX",
    });
    const input = (async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("some");
      throw new Error("the layer is damaged");
    })();
    await expect(runTool(HERE, "cat", [], { input })).rejects.toThrow("the layer is damaged");
  });

  it("stops with its signal", async () => {
    const running = runTool(HERE, "cat", [], { input: endless(), signal: AbortSignal.timeout(20) });
    await expect(running).rejects.toMatchObject({ code: "ABORTED" });
  });
});

describe("hostPath", () => {
  it("names what is UTF-8, and refuses what as text would be another file's name", () => {
    expect(hostPath("/work", "a/\xc3\xa9 b")).toBe("/work/a/é b");
    for (const path of ["\xff", "a/\xc3", "\xed\xa0\x80/b"])
      expect(() => hostPath("/work", path)).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
  });
});

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { explainFailure } from "./explain.ts";

const MICROSHIFT = new URL("../../../test/vectors/build/failures/microshift.log", import.meta.url);

describe("explainFailure", () => {
  it("finds why MicroShift could not be installed into RHEL for Edge 8.7", () => {
    const { firstError, rule } = explainFailure(readFileSync(MICROSHIFT, "utf8"));
    expect(firstError).toContain(
      "libsemanage.semanage_commit_sandbox: Error while renaming /etc/selinux/targeted/active",
    );
    expect(rule).toMatchObject({
      id: "semanage-cross-device",
      affected: expect.stringContaining("before 3.4"),
      links: expect.arrayContaining(["https://github.com/coreos/rpm-ostree/issues/3449"]),
    });
  });

  it("names the service restarts when SELinux had no part in it, and the transaction when nothing else is known", () => {
    const lines = readFileSync(MICROSHIFT, "utf8").split("\n");
    const withoutSelinux = lines.filter((line) => !/semanage|semodule/.test(line));
    expect(explainFailure(withoutSelinux.join("\n")).rule?.id).toBe("systemd-not-running");
    const withoutSystemd = withoutSelinux.filter((line) => !/systemd|bus/.test(line));
    expect(explainFailure(withoutSystemd.join("\n"))).toMatchObject({
      firstError: "error: Error -1 running transaction",
      rule: { id: "rpm-transaction" },
    });
  });

  it.each([
    [
      "a compiler",
      "cc -c a.c\na.c:3:5: error: unknown type name 'x'\nmake: *** [a.o] Error 1\n",
      "a.c:3:5: error: unknown type name 'x'",
    ],
    [
      "a copy",
      "+ cp a b\ncp: cannot stat 'a': No such file or directory\n",
      "cp: cannot stat 'a': No such file or directory",
    ],
    [
      "Python",
      "Traceback (most recent call last):\n  File \"a.py\", line 1\nModuleNotFoundError: No module named 'x'\nexit status 1",
      "ModuleNotFoundError: No module named 'x'",
    ],
    ["Node.js", "npm ERR! code E404\nnpm ERR! 404 Not Found\n", "npm ERR! code E404"],
    ["colours", "\u001b[31mError:\u001b[0m broken\n", "Error: broken"],
    ["a line written over", "10%\r20%\rerror: no more\n", "error: no more"],
    ["only a consequence", "done\nmake: *** [all] Error 2\n", "make: *** [all] Error 2"],
  ])("names the first error of %s", (_what, output, firstError) => {
    expect(explainFailure(output)).toEqual({ firstError });
  });

  it("prefers what is known to end a step to what may have been caught", () => {
    const output =
      "rm: cannot remove 'x': No such file or directory\nFailed to connect to bus: Host is down\nE: Unable to locate package y\n";
    expect(explainFailure(output)).toMatchObject({
      firstError: "E: Unable to locate package y",
      rule: { id: "apt-no-package" },
    });
  });

  it("has nothing to say where nothing is said", () => {
    expect(explainFailure("")).toEqual({});
    expect(explainFailure("Hello\n")).toEqual({});
  });

  it("shows no control characters and no endless lines, whatever comes", () => {
    expect(explainFailure(`error: ${"x".repeat(2_000_000)}\nerror: last`).firstError).toBe("error: last");
    expect(explainFailure(`error: ${"x".repeat(5000)}`).firstError).toHaveLength(500);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = Buffer.from(bytes).toString("latin1");
        // oxlint-disable-next-line no-control-regex
        expect(explainFailure(`${text}\nerror: ${text}`).firstError ?? "").not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
      }),
      { seed: 5, numRuns: 200 },
    );
  });

  it("reads a megabyte at once", () => {
    const line = `${"checking whether a very long name : could be found here error ".repeat(4)}\n`;
    const startedMs = performance.now();
    explainFailure(line.repeat(4000));
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
});

/** The examples: those whose base is Debian are built, the others planned; the web server also boots, in boot.test.ts. */
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { hostAptVolumes } from "../support/host-apt.ts";
import { debianImage, slipway, slipwayJson } from "../support/slipway.ts";
import { asRoot, oracle, tempDir } from "../support/tools.ts";

const EXAMPLES = join(dirname(dirname(import.meta.dirname)), "examples");

describe("the edge node", () => {
  oracle(
    ["mmdebstrap", asRoot],
    "is built, with podman and its bound image",
    async () => {
      using folder = tempDir();
      const base = await debianImage("trixie");
      const volumes = await hostAptVolumes(folder, "trixie");
      const name = "test/edge-node:1";
      const args = ["--build-arg", `BASE=${base}`, ...volumes, "-t", name, join(EXAMPLES, "edge-node")];
      const { tags } = await slipwayJson<{ tags: string[] }>(["build", ...args]);
      expect(tags).toEqual([`localhost/${name}`]);
      const plan = await slipway(["disk", "create", name, "--type", "raw", "--dry-run", "-o", folder.path]);
      expect(plan.exitCode, plan.stderr).toBe(0);
    },
    { proves: "an image that derives from ours is still bootable", timeoutMs: 900_000 },
  );
});

describe("examples whose bases need an account", () => {
  it.each([
    ["microshift", "quay.io/example/rhel-for-edge:8.7"],
    ["dpu", "registry.redhat.io/rhel9/rhel-bootc:9.6"],
  ])("%s is planned", async (name, base) => {
    const { exitCode, stdout, stderr } = await slipway(["build", "--dry-run", join(EXAMPLES, name)]);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain(base);
    expect(stdout).toContain("entitlement-key");
  });
});

/**
 * The edge node, booted: its quadlet becomes a service, and podman in the guest fetches the service's image, which our
 * build made, from our registry on the host and serves its page.
 */
import { writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect } from "vitest";
import { startVm, type Vm } from "../../src/vm/index.ts";
import { hostAptVolumes } from "../support/host-apt.ts";
import { debianImage, slipwayJson } from "../support/slipway.ts";
import { asRoot, findTool, oracle, tempDir } from "../support/tools.ts";
import { serveRegistry } from "../support/registry.ts";

const BOOT_MS = 1_200_000;
const EDGE_NODE = join(dirname(dirname(import.meta.dirname)), "examples", "edge-node");
/** What the example's quadlet names. */
const APPLICATION = "library/caddy:2.8.4-alpine";
const PAGE = "served by a bound image";
const NEEDS = ["mmdebstrap", "qemu-system-x86_64", "ssh", "busybox", asRoot];

describe("the edge node", () => {
  oracle(
    NEEDS,
    "boots, and its application runs",
    async () => {
      using folder = tempDir();
      await using registry = await serveRegistry(folder.join("registry"));
      await buildApplication(folder.path, registry.host);
      const volumes = await hostAptVolumes(folder, "trixie");
      const base = ["--build-arg", `BASE=${await debianImage("trixie")}`];
      await slipwayJson(["build", ...base, ...volumes, "-t", "test/edge-node:1", EDGE_NODE]);
      await slipwayJson(["disk", "create", "test/edge-node:1", "--type", "raw", "-o", folder.path]);
      await using vm = await startVm({ disk: folder.join("disk.raw"), architecture: "amd64" });
      await vm.waitForBoot({ timeoutMs: BOOT_MS });
      // Its application's registry cannot be reached from here; nothing else may fail.
      expect(
        await ask(vm, "systemctl --failed --no-legend --plain | cut -d' ' -f1 | grep -v '^app.service$' || true"),
      ).toBe("");
      await ask(vm, `printf '${mirror(registry.host)}' > /etc/containers/registries.conf.d/mirror.conf`);
      await ask(
        vm,
        "systemctl reset-failed app; systemctl restart app || journalctl -u app --no-pager | tail -n 20 >&2",
      );
      expect(await ask(vm, "podman ps --format '{{.Image}}'")).toBe(`docker.io/${APPLICATION}`);
      const fetch = "exec 3<>/dev/tcp/127.0.0.1/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
      expect(await ask(vm, `bash -c "${fetch}"`)).toContain(PAGE);
      expect(await vm.shutdown()).toBe(true);
    },
    { proves: "a container of a quadlet runs on what we deploy", timeoutMs: 3 * BOOT_MS },
  );
});

/** A web server in one file, under the name of the one that the example has. */
async function buildApplication(folder: string, registry: string): Promise<void> {
  await copyFile(findTool("busybox") ?? "busybox", join(folder, "busybox"));
  writeFileSync(join(folder, "index.html"), PAGE);
  const lines = [
    "FROM scratch",
    "COPY --chmod=755 busybox /busybox",
    "COPY index.html /www/index.html",
    'ENTRYPOINT ["/busybox", "httpd", "-f", "-p", "80", "-h", "/www"]',
  ];
  writeFileSync(join(folder, "Containerfile"), lines.join("\n"));
  await slipwayJson(["build", "-t", "test/application:1", folder]);
  await slipwayJson(["copy", "--tls-verify=false", "test/application:1", `docker://${registry}/${APPLICATION}`]);
}

/** registries.conf(5), as a format of printf; the host of QEMU's user network is this machine's loopback. */
function mirror(host: string): string {
  return `[[registry]]\\nprefix = "docker.io"\\nlocation = "10.0.2.2:${host.split(":")[1]}"\\ninsecure = true\\n`;
}

async function ask(vm: Vm, command: string): Promise<string> {
  const { exitCode, stdout, stderr } = await vm.exec(command);
  expect(exitCode, `${command}\n${stdout}${stderr}`).toBe(0);
  return stdout.trim();
}

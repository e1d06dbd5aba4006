/**
 * `--driver`: buildah and podman build, the image comes into our store only when it holds no secret. Their own storage is a
 * directory of the test.
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { NO_PROGRESS } from "../../src/base/progress.ts";
import { parseContainerfile } from "../../src/build/containerfile/index.ts";
import { buildWithDriver, type DriverName } from "../../src/build/driver/index.ts";
import type { BuildRequest } from "../../src/build/request.ts";
import { openImage, openLocalStore } from "../../src/oci/index.ts";
import { asRoot, oracle, tempDir, type TempFolder } from "../support/tools.ts";

const LINUX = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
const BUSYBOX = { name: "/bin/busybox", isThere: (): boolean => process.platform === "linux" };

interface Outcome {
  readonly output: string;
  readonly layers: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly stored: number;
}

/** Builds a Containerfile over a busybox in scratch, with the secret `token`. */
async function build(
  driver: DriverName,
  folder: TempFolder,
  lines: readonly string[],
  more: Partial<BuildRequest> = {},
): Promise<Outcome> {
  const path = folder.join("context", "Containerfile");
  const text = ["FROM scratch", "COPY busybox /bin/busybox", ...lines].join("\n");
  mkdirSync(folder.join("context"), { recursive: true });
  copyFileSync("/bin/busybox", folder.join("context", "busybox"));
  writeFileSync(path, text);
  writeFileSync(folder.join("token"), "correct-horse-9\n");
  const local = await openLocalStore(folder.join("store"));
  let output = "";
  const request: BuildRequest = {
    containerfile: { ...parseContainerfile(Buffer.from(text), path), path },
    context: folder.join("context"),
    ignore: undefined,
    contexts: new Map(),
    platforms: [LINUX],
    buildPlatform: LINUX,
    args: new Map(),
    secrets: [
      { id: "token", bytes: Buffer.from("correct-horse-9\n"), origin: { type: "file", path: folder.join("token") } },
      { id: "variable", bytes: Buffer.from("battery-staple-7"), origin: { type: "env", name: "DRIVER_TEST" } },
    ],
    sshSockets: new Map(),
    squash: "none",
    labels: new Map([["made", "by a test"]]),
    annotations: new Map(),
    epochSeconds: 0,
    useCache: true,
    network: "host",
    volumes: [],
    jobs: 1,
    ...more,
  };
  const options = {
    pull: "missing",
    driverOptions: [
      `root=${folder.join("root")}`,
      `runroot=${folder.join("runroot")}`,
      "storage-driver=vfs",
      "isolation=chroot",
    ],
  } as const;
  const descriptor = await buildWithDriver(driver, request, options, {
    local,
    env: { ...process.env, DRIVER_TEST: "battery-staple-7" },
    progress: NO_PROGRESS,
    signal: new AbortController().signal,
    onOutput: (_stream, chunk) => {
      output += Buffer.from(chunk).toString();
    },
  });
  const image = await openImage(local.images, descriptor.digest).catch(() => undefined);
  expect(image, "images without a name are found by nobody").toBeUndefined();
  await local.images.tag(descriptor, "test");
  const { layers, config } = await openImage(local.images, "test");
  return { output, layers: layers.length, labels: config.labels, stored: (await local.images.list()).length };
}

const SHELL = '["/bin/busybox", "sh", "-c", ';
const SECRET_MOUNTS = "--mount=type=secret,id=token --mount=type=secret,id=variable";

describe.each(["buildah", "podman"] as const)("--driver %s", (driver) => {
  const judge = (name: string, body: (folder: TempFolder) => Promise<void>): void =>
    oracle(
      [driver, asRoot, BUSYBOX],
      name,
      async () => {
        using folder = tempDir();
        await body(folder);
      },
      { proves: `a build by ${driver} ends in our store` },
    );

  judge("builds into our store, with secrets that its output does not show", async (folder) => {
    const use = `RUN ${SECRET_MOUNTS} ${SHELL}"/bin/busybox cat /run/secrets/token /run/secrets/variable; /bin/busybox touch /made"]`;
    const outcome = await build(driver, folder, [use, "LABEL a=b"]);
    expect(outcome.output).toContain("***\n***");
    expect(outcome.output).not.toMatch(/correct-horse-9|battery-staple-7/);
    expect(outcome.labels).toMatchObject({ made: "by a test", a: "b" });
    expect(outcome.layers).toBe(2);
    expect(outcome.stored).toBe(1);
  });

  judge("squashes as asked", async (folder) => {
    const lines = ["COPY Containerfile /a", "COPY Containerfile /b"];
    expect((await build(driver, folder, lines)).layers).toBe(3);
    expect((await build(driver, folder, lines, { squash: "new" })).layers).toBe(1);
    expect((await build(driver, folder, lines, { squash: "all" })).layers).toBe(1);
  });

  judge("refuses an image whose deleted file holds a secret, and keeps nothing of it", async (folder) => {
    const leak = `RUN ${SECRET_MOUNTS} ${SHELL}"/bin/busybox base64 /run/secrets/token > /leak"]`;
    const built = build(driver, folder, [leak, `RUN ${SHELL}"/bin/busybox rm /leak"]`]);
    await expect(built).rejects.toMatchObject({
      code: "SECRET_LEAKED",
      message: expect.stringMatching(
        /^cannot keep layer 2 of the image: it holds secret "token" in \/leak, as base64; \w+ still has it as [0-9a-f]{12}$/,
      ),
    });
    const local = await openLocalStore(folder.join("store"));
    expect(await local.images.list()).toEqual([]);
  });

  judge("refuses an image whose configuration holds a secret", async (folder) => {
    await expect(build(driver, folder, ["ENV TOKEN=correct-horse-9"])).rejects.toMatchObject({
      code: "SECRET_LEAKED",
      message: expect.stringMatching(
        /^cannot keep the image: it holds secret "token" in the image's config at config\.Env\[\d\]/,
      ),
    });
  });

  judge("tells why a step failed", async (folder) => {
    const fail = `RUN ${SECRET_MOUNTS} ${SHELL}"/bin/busybox cat /run/secrets/token /nothing"]`;
    await expect(build(driver, folder, [fail])).rejects.toMatchObject({
      code: "RUN_FAILED",
      message: expect.stringContaining(`${driver} could not build ${folder.join("context", "Containerfile")}`),
    });
  });
});

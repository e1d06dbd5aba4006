/** `slipway build` as its user runs it: from nothing but busybox to images with steps, stages, mounts and secrets. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { StepResult } from "../../src/build/index.ts";
import { type Outcome, slipway, slipwayJson } from "../support/slipway.ts";
import { findTool, oracle, run, tempDir, type TempFolder } from "../support/tools.ts";

interface Built {
  readonly digest: string;
  readonly mediaType: string;
  readonly images: readonly { readonly platform: string; readonly steps: readonly StepResult[] }[];
}

const BASE = `FROM scratch
COPY busybox /bin/
RUN ["/bin/busybox", "--install", "-s", "/bin"]
COPY <<EOF /etc/passwd
root:x:0:0:root:/root:/bin/sh
app:x:1000:1000:app:/home/app:/bin/sh
EOF
`;

let folder: TempFolder;
beforeAll(async () => {
  folder = tempDir();
  const busybox = findTool("busybox");
  if (busybox === undefined) return;
  mkdirSync(folder.join("base"));
  copyFileSync(busybox, folder.join("base", "busybox"));
  chmodSync(folder.join("base", "busybox"), 0o755);
  const outcome = await build(["-t", "busybox:1"], "base", { Containerfile: BASE });
  if (outcome.exitCode !== 0) throw new Error(outcome.stderr);
}, 120_000);
afterAll(() => folder[Symbol.dispose]());

/** A command on the store of these tests. */
function inStore(...args: readonly string[]): Promise<Outcome> {
  return slipway(["--store", folder.join("store"), ...args], { cwd: folder.path });
}

/** Writes a context with these files and builds it. */
function build(args: readonly string[], name: string, files: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(folder.join(name, path)), { recursive: true });
    writeFileSync(folder.join(name, path), text);
  }
  return inStore("build", ...args, folder.join(name));
}

async function buildJson(
  args: readonly string[],
  name: string,
  files: Readonly<Record<string, string>>,
): Promise<Built> {
  const { exitCode, stdout, stderr } = await build(["--json", ...args], name, files);
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Built;
}

interface Config {
  readonly config: Readonly<Record<string, unknown>>;
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

async function configOf(name: string): Promise<Config> {
  return JSON.parse((await inStore("inspect", "--config", name)).stdout) as Config;
}

/** Names of files in all layers of an image, whiteouts included. */
async function pathsOf(name: string): Promise<string[]> {
  const manifest = JSON.parse((await inStore("inspect", "--raw", name)).stdout) as { layers: { digest: string }[] };
  const paths = new Set<string>();
  for (const { digest } of manifest.layers) {
    const blob = folder.join("store", "blobs", "sha256", digest.slice("sha256:".length));
    const { stdout } = await run("tar", ["-tzf", blob]);
    for (const line of stdout.split("\n")) paths.add(line.replace(/^\.\//, "").replace(/\/$/, ""));
  }
  return [...paths];
}

function builds(name: string, body: () => Promise<unknown>): void {
  oracle(["busybox", "unshare"], name, body, { proves: "slipway build builds", timeoutMs: 120_000 });
}

/** Roots that are kept for the next build are no litter. */
function leftIn(name: string): string[] {
  const path = folder.join("store", "build", name);
  return existsSync(path) ? readdirSync(path).filter((each) => !each.startsWith("kept-")) : [];
}

describe("slipway build", () => {
  builds("does nothing twice, and what changed from there on", async () => {
    const files = { Containerfile: "FROM busybox:1\nCOPY a /a\nRUN cat /a > /b\nLABEL v=1\n", a: "1" };
    const cachedOf = ({ images }: Built): unknown => images[0]?.steps.map(({ cached }) => cached);
    const first = await buildJson(["-t", "cached"], "cached", files);
    const second = await buildJson(["-t", "cached"], "cached", files);
    expect(second.digest).toBe(first.digest);
    expect(cachedOf(first)).toEqual([false, false, false, false]);
    expect(cachedOf(second)).toEqual([false, true, true, false]);
    const third = await buildJson(["-t", "cached"], "cached", { ...files, a: "2" });
    expect(cachedOf(third)).toEqual([false, false, false, false]);
    expect(third.digest).not.toBe(first.digest);
    expect(cachedOf(await buildJson(["--no-cache"], "cached", files))).toEqual([false, false, false, false]);
  });

  builds("makes the directory of WORKDIR for its user, and runs as that user", async () => {
    const Containerfile = `FROM busybox:1
USER app
WORKDIR /srv/work
RUN [ "$(id -u):$(id -g) $HOME $(stat -c %U:%a .)" = "1000:1000 /home/app app:755" ]
`;
    expect(await build(["-t", "workdir"], "workdir", { Containerfile })).toMatchObject({ exitCode: 0 });
  });

  builds("has mounts that leave nothing in the image", async () => {
    const Containerfile = `FROM busybox:1 AS tools
RUN echo tool > /tool
FROM busybox:1
RUN --mount=type=bind,source=dir,target=/in --mount=type=bind,from=tools,source=tool,target=/t/tool \\
  --mount=type=tmpfs,target=/mem --mount=type=cache,target=/cache,mode=0700 \\
  cat /in/x /t/tool > /result && touch /mem/y && date > /cache/seen && ! touch /in/new
RUN --mount=type=cache,target=/cache [ -s /cache/seen ]
RUN --mount=type=bind,source=dir,target=/in,rw echo changed > /in/x
`;
    const outcome = await build(["-t", "mounts"], "mounts", { Containerfile, "dir/x": "context\n" });
    expect(outcome).toMatchObject({ exitCode: 0 });
    expect(readFileSync(folder.join("mounts", "dir/x"), "utf8")).toBe("context\n");
    const paths = await pathsOf("mounts");
    expect(paths).toContain("result");
    for (const path of ["in", "t", "mem", "cache", "cache/seen", "tool"]) expect(paths).not.toContain(path);
  });

  builds("shows a secret to its RUN only, and keeps no step that writes it down", async () => {
    writeFileSync(folder.join("secret"), "correct-horse-battery");
    const args = ["--secret", `id=s,src=${folder.join("secret")}`];
    const used = await build([...args, "-t", "secret"], "secret-use", {
      Containerfile: `FROM busybox:1
RUN --mount=type=secret,id=s cat /run/secrets/s && [ $(stat -c %a /run/secrets/s) = 400 ]
RUN [ ! -e /run/secrets/s ]
`,
    });
    expect(used).toMatchObject({ exitCode: 0 });
    expect(used.stderr).toContain("***");
    expect(used.stderr).not.toContain("correct-horse");
    const leak = await build([...args, "-t", "leak"], "secret-leak", {
      Containerfile: "FROM busybox:1\nRUN --mount=type=secret,id=s base64 /run/secrets/s > /srv-token\n",
    });
    expect(leak.exitCode).toBe(1);
    expect(leak.stderr).toMatch(/Containerfile:2:1: .*srv-token/);
    const found = await run("grep", ["-rlF", "correct-horse", folder.join("store")], { allowExit: [1] });
    expect(found.stdout).toBe("");
    expect((await inStore("inspect", "leak")).exitCode).toBe(1);
  });

  builds("wants a secret that is required", async () => {
    const Containerfile = "FROM busybox:1\nRUN --mount=type=secret,id=s,required cat /run/secrets/s\n";
    const outcome = await build([], "secret-missing", { Containerfile });
    expect(outcome.stderr).toMatch(/Containerfile:2:\d+: .*wants the secret "s"/);
    expect(outcome.exitCode).toBe(1);
  });

  builds("forwards an ssh agent", async () => {
    const path = folder.join("agent");
    const server = createServer().listen(path);
    const Containerfile = "FROM busybox:1\nRUN --mount=type=ssh,id=k [ -S $SSH_AUTH_SOCK ]\n";
    const outcome = await build(["--ssh", `k=${path}`], "ssh", { Containerfile });
    server.close();
    expect(outcome).toMatchObject({ exitCode: 0 });
  });

  builds("names the step that failed, its exit code and the first error", async () => {
    const Containerfile = "FROM busybox:1\nRUN true\nRUN ls /missing; echo more; exit 3\n";
    const outcome = await build(["--json"], "failing", { Containerfile });
    expect(outcome.exitCode).toBe(1);
    expect(JSON.parse(outcome.stdout)).toMatchObject({ code: "RUN_FAILED", exitCode: 3, line: 3, step: 3 });
    expect(outcome.stderr).toContain("[stage-0 3/3] RUN ls /missing");
    expect(outcome.stderr).toContain("Containerfile:3:1: RUN exited with 3: ls: /missing: No such file or directory");
    expect(leftIn("work")).toEqual([]);
  });

  builds("does what the base image says with ONBUILD", async () => {
    const base = "FROM busybox:1\nONBUILD COPY x /x\nONBUILD RUN cat /x > /y\n";
    await build(["-t", "onbuild"], "onbuild-base", { Containerfile: base });
    const built = await buildJson(["-t", "triggered"], "onbuild", { Containerfile: "FROM onbuild\n", x: "1" });
    const steps = built.images[0]?.steps.map(({ text }) => text);
    expect(steps).toEqual(["FROM onbuild", "COPY x /x", "RUN cat /x > /y"]);
    expect(await pathsOf("triggered")).toContain("y");
    expect((await configOf("triggered")).config).not.toHaveProperty("OnBuild");
  });

  builds("makes one layer of the new ones, or of all", async () => {
    const Containerfile = "FROM busybox:1\nRUN echo 1 > /one\nRUN rm /one && echo 2 > /two\nLABEL a=b\n";
    const base = (await configOf("busybox:1")).rootfs.diff_ids.length;
    await buildJson(["--squash", "-t", "squashed"], "squash", { Containerfile });
    expect((await configOf("squashed")).rootfs.diff_ids).toHaveLength(base + 1);
    await buildJson(["--squash-all", "-t", "flat"], "squash", { Containerfile });
    expect((await configOf("flat")).rootfs.diff_ids).toHaveLength(1);
    for (const name of ["squashed", "flat"]) {
      const paths = await pathsOf(name);
      expect(paths).toContain("two");
      expect(paths).not.toContain("one");
      expect(paths).not.toContain(".wh.one");
    }
  });

  builds("builds the same bytes at any time", async () => {
    const Containerfile = "FROM busybox:1\nCOPY x /x\nRUN date > /dev/null; mkdir /d; touch /d/f\n";
    const args = ["--timestamp", "1000000000", "--no-cache"];
    const first = await buildJson(args, "same", { Containerfile, x: "1" });
    const second = await buildJson(args, "same-elsewhere", { Containerfile, x: "1" });
    expect(second.digest).toBe(first.digest);
  });

  builds("writes labels, annotations, the digest and further copies", async () => {
    const copy = folder.join("copy");
    const labels = ["--label", "l=$x", "--annotation", "a=1", "--iidfile", folder.join("iid")];
    const args = [...labels, "-o", `oci:${copy}:t`, "-q", "-t", "one", "-t", "two:2"];
    const outcome = await build(args, "results", { Dockerfile: "FROM busybox:1\nENV E=1\n" });
    expect(outcome.stderr).toBe("");
    expect(readFileSync(folder.join("iid"), "utf8")).toBe(outcome.stdout.trim());
    expect((await configOf("one")).config["Labels"]).toEqual({ l: "$x" });
    const manifest = await slipwayJson<Record<string, unknown>>(["inspect", "--raw", `oci:${copy}:t`]);
    expect(manifest["annotations"]).toMatchObject({
      a: "1",
      "org.opencontainers.image.base.name": "localhost/busybox:1",
    });
    expect(await configOf("two:2")).toEqual(await configOf("one"));
  });

  builds("makes an index of several platforms", async () => {
    const Containerfile = `FROM --platform=$BUILDPLATFORM busybox:1 AS builder
ARG TARGETARCH
RUN echo $TARGETARCH > /arch
FROM scratch
COPY --from=builder /arch /arch
`;
    const built = await buildJson(["--platform", "linux/amd64,linux/arm64", "-t", "multi"], "multi", { Containerfile });
    expect(built.mediaType).toBe("application/vnd.oci.image.index.v1+json");
    expect(built.images.map(({ platform }) => platform)).toEqual(["linux/amd64", "linux/arm64"]);
    const arches = await inStore("manifest", "inspect", "--arches", "multi");
    expect(arches.stdout.trim().split("\n")).toEqual(["amd64", "arm64"]);
  });

  builds("takes further contexts, volumes and a Containerfile from elsewhere", async () => {
    const Containerfile = `FROM base
COPY --from=more file /file
RUN --network=none [ "$(cat /file /vol/file)" = "11" ] && ! touch /vol/new && [ "$(grep -c : /proc/net/dev)" = 1 ]
`;
    mkdirSync(folder.join("more"));
    writeFileSync(folder.join("more", "file"), "1");
    writeFileSync(folder.join("elsewhere"), Containerfile);
    const more = ["--build-context", `more=${folder.join("more")}`];
    const base = ["--build-context", "base=docker-image://busybox:1"];
    const args = ["-f", folder.join("elsewhere"), ...more, ...base, "-v", `${folder.join("more")}:/vol:ro`];
    expect(await build(args, "contexts", { x: "" })).toMatchObject({ exitCode: 0 });
  });

  builds("warns of arguments that nobody uses, and of those that sound like secrets", async () => {
    const Containerfile = "FROM busybox:1\nARG API_TOKEN\n";
    const { stderr } = await build(["--build-arg", "NOPE=1"], "warned", { Containerfile });
    expect(stderr).toContain("--build-arg NOPE is not used");
    expect(stderr).toContain("ARG API_TOKEN");
  });

  builds("leaves nothing behind when it is killed", async () => {
    mkdirSync(folder.join("killed"));
    writeFileSync(folder.join("killed", "Containerfile"), "FROM busybox:1\nRUN echo begun && sleep 6789\n");
    const args = ["--store", folder.join("store"), "build", "-t", "killed", folder.join("killed")];
    expect((await slipway(args, { killAfterMs: 4000 })).exitCode).toBe(-1);
    // The next build sweeps.
    const next = await build([], "after-kill", { Containerfile: "FROM busybox:1\nRUN touch /after\n" });
    expect(next).toMatchObject({ exitCode: 0 });
    for (const name of ["work", "scratch"]) expect(leftIn(name)).toEqual([]);
    expect((await run("ps", ["-eo", "args"])).stdout).not.toContain("sleep 6789");
    expect((await inStore("inspect", "killed")).exitCode).toBe(1);
  });

  builds("says what it would do without doing it", async () => {
    const Containerfile = "FROM far.example/x:1 AS a\nRUN x\nFROM y\n";
    const { stdout, exitCode } = await build(["--dry-run"], "planned", { Containerfile });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("1/1 FROM y");
    expect(stdout).not.toContain("far.example");
  });

  builds("refuses options that it cannot read before it builds", async () => {
    const bad = [
      ["-t", "UPPER"],
      ["--timestamp", "soon"],
      ["--jobs", "x"],
      ["-v", "/a"],
      ["--build-context", "x"],
    ];
    for (const args of bad) expect(await build(args, "planned")).toMatchObject({ exitCode: 2 });
    expect((await build([], "no-such-context")).stderr).toContain("it is no directory");
  });
});

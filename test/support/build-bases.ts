/**
 * Base images of the build tests, each made once below .cache/build-bases and again when its recipe changes: `busybox`
 * (small, with everything a layer can carry), `debian` (a minbase with apt, for this machine or for arm64),
 * `unpacked-arm64` (its programs alone), and for benches `bare` (Debian as published) and `big` (500 MB in 30,000 files).
 * Nothing of ours makes them: GNU tar, mmdebstrap, and layouts written by hand.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { withFileLock } from "../../src/base/io/index.ts";
import { readHostApt } from "../../src/build/debian/host-apt.ts";
import { PATH_FILTERS } from "../../src/build/debian/packages.ts";
import { aptLines, suiteFacts } from "../../src/build/debian/suites.ts";
import { type JsonDescriptor, type JsonManifest, readBlob, readIndex, readJson, sha256 } from "./layout.ts";
import { tinyImage } from "./tiny-image.ts";
import { asRoot, findTool, type Requirement, run, tempDir } from "./tools.ts";

const FOLDER = join(dirname(dirname(import.meta.dirname)), ".cache", "build-bases");
const BUSYBOX_SCRIPT = join(import.meta.dirname, "build-busybox-root.sh");
const SUITE = "bookworm";
const HALF_AN_HOUR_MS = 1_800_000;
/** Of every file in the bases; contexts have another one. */
export const BASE_SECONDS = 1_500_000_000;
const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export const busyboxThere: Requirement = {
  name: "root with busybox-static",
  isThere: () => asRoot.isThere() && findTool("busybox") !== undefined,
};

export const debianThere: Requirement = {
  name: "root with mmdebstrap",
  isThere: () => asRoot.isThere() && findTool("mmdebstrap") !== undefined,
};

/** Debian for arm64 is put together by running its programs. */
export const arm64Runs: Requirement = {
  name: "arm64 programs through binfmt_misc",
  isThere: () => process.arch === "arm64" || existsSync("/proc/sys/fs/binfmt_misc/qemu-aarch64"),
};

/** An OCI layout with one image, tagged `1`. */
type Layout = string;

interface Facts {
  readonly architecture: string;
  readonly command: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Debian's name of this machine's architecture, which is also OCI's. */
export const HOST_ARCHITECTURE: string = process.arch === "x64" ? "amd64" : process.arch;

export function busyboxBase(): Promise<Layout> {
  const busybox = findTool("busybox") ?? "busybox";
  const recipe = [
    readFileSync(BUSYBOX_SCRIPT, "utf8"),
    createHash("sha256").update(readFileSync(busybox)).digest("hex"),
  ];
  return made("busybox", recipe, async (root) => {
    await run("sh", [BUSYBOX_SCRIPT, root, busybox]);
    return { architecture: HOST_ARCHITECTURE, command: "/bin/sh", labels: { base: "busybox" } };
  });
}

/** Of the one layer that all busybox bases have. */
export async function busyboxDiffId(): Promise<string> {
  const layout = await busyboxBase();
  const manifest = readJson<JsonManifest>(layout, readIndex(layout).manifests[0]?.digest ?? "");
  return readJson<{ rootfs: { diff_ids: string[] } }>(layout, manifest.config.digest).rootfs.diff_ids[0] ?? "";
}

/**
 * The busybox base with a config that says everything, and with ONBUILD triggers: `dir:` places with Docker's media types,
 * because other tools read those fields from no other.
 */
export async function richBases(folder: string): Promise<{ readonly rich: string; readonly onbuild: string }> {
  const layout = await busyboxBase();
  const manifest = readJson<JsonManifest>(layout, readIndex(layout).manifests[0]?.digest ?? "");
  const config = readJson<{ readonly config: object }>(layout, manifest.config.digest);
  const layer = manifest.layers[0] as JsonDescriptor;
  const write = (name: string, more: object): string => {
    const place = join(folder, name);
    mkdirSync(place, { recursive: true });
    const bytes = Buffer.from(JSON.stringify({ ...config, config: { ...config.config, ...more } }));
    const described = { mediaType: DOCKER.config, size: bytes.length, digest: `sha256:${sha256(bytes)}` };
    writeFileSync(join(place, sha256(bytes)), bytes);
    writeFileSync(join(place, layer.digest.slice(7)), readBlob(layout, layer.digest));
    const layers = [{ ...layer, mediaType: DOCKER.layer }];
    const text = JSON.stringify({ schemaVersion: 2, mediaType: DOCKER.manifest, config: described, layers });
    writeFileSync(join(place, "manifest.json"), text);
    writeFileSync(join(place, "version"), "Directory Transport Version: 1.1\n");
    return `dir:${place}`;
  };
  return { rich: write("rich", RICH), onbuild: write("onbuild", { OnBuild: TRIGGERS }) };
}

const DOCKER = {
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
};
const TRIGGERS = ["RUN echo trigger > /trigger", "COPY a.txt /from-trigger.txt", "ENV TRIGGERED=yes"];
const RICH = {
  User: "app",
  Env: [PATH, "INHERITED=base", "OVERRIDDEN=base"],
  Entrypoint: ["/bin/echo", "entry"],
  Cmd: ["base", "command"],
  Volumes: { "/volume": {} },
  ExposedPorts: { "80/tcp": {} },
  WorkingDir: "/srv",
  StopSignal: "SIGINT",
  Labels: { base: "rich", kept: "yes" },
  Healthcheck: { Test: ["CMD", "/bin/true"], Interval: 7_000_000_000 },
};

/** apt's lists are in the image, so that a RUN can install from what the machine's mirror has. */
export function debianBase(architecture: string = HOST_ARCHITECTURE): Promise<Layout> {
  return made(`debian-${architecture}`, [SUITE, architecture, "systemd"], async (root) => {
    // Debian images have systemd, and package scripts call its systemctl.
    const more = architecture === HOST_ARCHITECTURE ? ["--include=systemd"] : [];
    await bootstrap(root, ["--variant=minbase", `--architectures=${architecture}`, ...more]);
    return { architecture, command: "/bin/bash", labels: { base: "debian" } };
  });
}

/** Programs of Debian for arm64, unpacked and never configured: running all their scripts takes emulation 20 minutes. */
export function unpackedArm64Base(): Promise<Layout> {
  const packages = ["base-files", "bash", "coreutils", "dash", "dpkg", "libc-bin", "perl-base", "sed", "tar"];
  return made("unpacked-arm64", [SUITE, packages], async (root) => {
    const include = `--include=${packages.join(",")}`;
    await bootstrap(root, ["--variant=extract", "--architectures=arm64", include, `--setup-hook=${MERGE_USR}`]);
    return { architecture: "arm64", command: "/bin/bash", labels: { base: "unpacked" } };
  });
}

const MERGE_USR = 'for name in bin sbin lib; do mkdir -p "$1/usr/$name"; ln -s "usr/$name" "$1/$name"; done';

/** Without apt's lists, as the images are that Debian publishes: a RUN begins with apt-get update. */
export async function bareDebianBase(): Promise<Layout> {
  const debian = await debianBase();
  return await made("bare", [basename(debian)], async (root) => {
    await unpackBase(debian, root);
    await rm(join(root, "var/lib/apt/lists"), { recursive: true });
    await mkdir(join(root, "var/lib/apt/lists/partial"), { recursive: true });
    return { architecture: HOST_ARCHITECTURE, command: "/bin/bash", labels: { base: "debian" } };
  });
}

/** Debian and 30,000 more files: 500 MB in all. */
export async function bigBase(): Promise<Layout> {
  const debian = await debianBase();
  return await made("big", [basename(debian), FILES, FILE_BYTES], async (root) => {
    await unpackBase(debian, root);
    await generateFiles(join(root, "usr", "share", "generated"));
    return { architecture: HOST_ARCHITECTURE, command: "/bin/bash", labels: { base: "big" } };
  });
}

/** The one layer of a base as files, by GNU tar. */
export async function unpackBase(layout: Layout, folder: string): Promise<void> {
  const manifest = readJson<JsonManifest>(layout, readIndex(layout).manifests[0]?.digest ?? "");
  const blob = join(layout, "blobs", ...(manifest.layers[0]?.digest ?? "").split(":"));
  await mkdir(folder, { recursive: true });
  await run("tar", ["-C", folder, "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpzf", blob]);
}

const FILES = 30_000;
const FILE_BYTES = 11_000;

async function generateFiles(folder: string): Promise<void> {
  for (let index = 0; index < FILES; index++) {
    const path = join(folder, String(index % 100), String(index % 10));
    if (index < 100 * 10) await mkdir(path, { recursive: true });
    // Half of it compresses.
    const text = createHash("shake256", { outputLength: FILE_BYTES / 2 })
      .update(String(index))
      .digest();
    await writeFile(join(path, `${index}.bin`), Buffer.concat([text, Buffer.alloc(FILE_BYTES / 2, "text ")]));
  }
}

async function bootstrap(root: string, more: readonly string[]): Promise<void> {
  const apt = await readHostApt();
  const options = [...PATH_FILTERS, "force-unsafe-io"].map((option) => `--dpkgopt=${option}`);
  const proxies = apt.options.map((option) => `--aptopt=${option}`);
  const arguments_ = [
    "--mode=root",
    "--format=directory",
    // The lists stay: RUN apt-get install needs no update.
    "--skip=cleanup/apt/lists",
    ...more,
    ...options,
    ...proxies,
    SUITE,
    root,
    ...aptLines(suiteFacts(SUITE), apt),
  ];
  const alone = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  await run("setpriv", ["--pdeathsig", "KILL", "unshare", ...alone, "mmdebstrap", ...arguments_]);
}

/** The layout named after its recipe; `fill` writes the system into a directory. */
async function made(name: string, recipe: unknown, fill: (root: string) => Promise<Facts>): Promise<Layout> {
  const digest = createHash("sha256")
    .update(JSON.stringify([recipe, "1"]))
    .digest("hex")
    .slice(0, 12);
  const layout = join(FOLDER, `${name}-${digest}`);
  if (existsSync(layout)) return layout;
  await mkdir(FOLDER, { recursive: true });
  return await withFileLock(
    join(FOLDER, `.${name}.lock`),
    async () => {
      if (existsSync(layout)) return layout;
      for (const other of await readdir(FOLDER))
        if (other.startsWith(`${name}-`)) await rm(join(FOLDER, other), { recursive: true });
      using folder = tempDir();
      await mkdir(folder.join("root"), { mode: 0o755 });
      const facts = await fill(folder.join("root"));
      const tar = await packed(folder.join("root"), folder.join("layer.tar"));
      write(`${layout}.partial`, tar, facts);
      await rename(`${layout}.partial`, layout);
      return layout;
    },
    { timeoutMs: HALF_AN_HOUR_MS, staleMs: HALF_AN_HOUR_MS },
  );
}

async function packed(root: string, file: string): Promise<Buffer> {
  const xattrs = ["--format=pax", "--xattrs", "--xattrs-include=*", "--pax-option=delete=atime,delete=ctime"];
  const order = ["--sort=name", "--numeric-owner", `--mtime=@${BASE_SECONDS}`];
  await run("tar", ["-C", root, ...xattrs, ...order, "-cf", file, "."]);
  return await readFile(file);
}

function write(layout: string, tar: Buffer, { architecture, command, labels }: Facts): void {
  const config = { Env: [PATH], Cmd: [command], Labels: labels, WorkingDir: "/" };
  tinyImage(layout, [tar], { architecture, tag: "1", config: { config } });
}

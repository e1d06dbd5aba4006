// `slipway base debian`, step by step: packages to a tar, the tar to a tree, the tree to an image in the store.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { utf8, utf8ToByteString } from "../../base/bytes/index.ts";
import { contentOf, FileSource, makeTempDir } from "../../base/io/index.ts";
import { inStage, type Progress } from "../../base/progress.ts";
import type { Descriptor, Store } from "../../oci/index.ts";
import { directory, file, place, readTarTree, treeToTar } from "../../tree/index.ts";
import { DebianBaseError } from "./errors.ts";
import { finishSystem } from "./finish.ts";
import { readHostApt } from "./host-apt.ts";
import { formatTime, pushTree } from "./layer.ts";
import { assertRunnable, bootstrap, chooseMode, hostArchitecture, openToNamespace } from "./mmdebstrap.ts";
import { type Kernel, packagesOf } from "./packages.ts";
import { aptLines, type DebianArchitecture, type Suite, type SuiteFacts, suiteFacts } from "./suites.ts";
import { earlyFiles, type FileOptions } from "./text-files.ts";

export interface DebianBaseOptions {
  readonly suite: Suite;
  /** This machine's unless told otherwise. */
  readonly architecture?: DebianArchitecture;
  readonly kernel: Kernel;
  readonly include: readonly string[];
  /** Let / be a composefs; for suites whose ostree can. */
  readonly composefs: boolean;
  readonly aptOptions: readonly string[];
  /** Addresses of the archive, or whole sources.list lines; empty: as this machine's own apt has it. */
  readonly mirrors: readonly string[];
  /** SOURCE_DATE_EPOCH: no time in the image is later. */
  readonly epochSeconds: number;
  /** Name in the store. */
  readonly tag: string;
}

export interface DebianBaseResult {
  readonly manifest: Descriptor;
  readonly kernelVersion: string;
  readonly debianVersion: string;
  readonly architecture: DebianArchitecture;
}

export interface DebianBaseDependencies {
  readonly store: Store;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/** Throws DebianBaseError, ProcessError NOT_INSTALLED, and what reading the tar and writing the store throw. */
export async function buildDebianBase(
  options: DebianBaseOptions,
  { store, progress, signal }: DebianBaseDependencies,
): Promise<DebianBaseResult> {
  const suite = suiteFacts(options.suite);
  const files: FileOptions = { suite, composefs: options.composefs };
  const architecture = options.architecture ?? hostArchitecture();
  if (architecture === undefined) {
    throw new DebianBaseError("BAD_OPTION", `cannot make an image for ${process.arch}`, {
      hint: "Name one with --arch",
    });
  }
  if (options.composefs && !suite.hasComposefs) {
    throw new DebianBaseError(
      "BAD_OPTION",
      `cannot use --composefs with ${suite.suite}: its ostree is built without it`,
    );
  }
  const mode = await chooseMode();
  await assertRunnable(architecture);
  const apt = await sourcesFor(suite, options.mirrors);

  await using temporary = await makeTempDir("slipway-base-");
  if (mode === "unshare") await openToNamespace(temporary.path);
  const spec = {
    mode,
    suite: suite.suite,
    architecture,
    packages: packagesOf(suite, architecture, options.kernel, options.include),
    sources: apt.lines,
    aptOptions: [...apt.options, ...options.aptOptions],
    earlyTar: await writeEarlyTar(files, temporary.path),
    output: join(temporary.path, "root.tar"),
  };
  await inStage(progress, "install packages", undefined, () =>
    bootstrap(spec, {
      sourceDateEpoch: options.epochSeconds,
      tempDirectory: temporary.path,
      ...(signal === undefined ? {} : { signal }),
    }),
  );
  using tar = FileSource.open(spec.output);
  const root = await readTarTree(tar);
  const finished = await finishSystem(root, { ...files, mtimeSeconds: options.epochSeconds });
  const facts = {
    architecture,
    createdSeconds: options.epochSeconds,
    labels: labelsOf(finished.debianVersion, options.epochSeconds),
    createdBy: `slipway base debian --suite ${suite.suite} --kernel ${options.kernel}`,
  };
  const manifest = await inStage(progress, "write image", undefined, () =>
    pushTree(root, facts, store, options.tag, temporary.path),
  );
  return { manifest, ...finished, architecture };
}

async function sourcesFor(
  suite: SuiteFacts,
  mirrors: readonly string[],
): Promise<{ lines: readonly string[]; options: readonly string[] }> {
  const host = await readHostApt();
  if (mirrors.length === 0) return { lines: aptLines(suite, host), options: host.options };
  const lines = mirrors.map((mirror) =>
    mirror.startsWith("deb ") ? mirror : `deb ${mirror} ${suite.suite} ${suite.components}`,
  );
  return { lines, options: host.options };
}

async function writeEarlyTar(files: FileOptions, directoryPath: string): Promise<string> {
  const tree = directory();
  for (const { path, text, mode } of earlyFiles(files)) {
    place(tree, utf8ToByteString(path), file(contentOf(utf8(text)), { mode: mode ?? 0o644 }));
  }
  const path = join(directoryPath, "early.tar");
  await writeFile(path, treeToTar(tree, { includeRoot: false }));
  return path;
}

function labelsOf(debianVersion: string, epochSeconds: number): Record<string, string> {
  return {
    "containers.bootc": "1",
    "ostree.bootable": "1",
    "org.opencontainers.image.created": formatTime(epochSeconds),
    "org.opencontainers.image.version": debianVersion,
  };
}

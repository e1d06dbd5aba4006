/**
 * Builds the program and what is published:
 *
 *   dist/main.js        src/launcher.ts: loads program.js
 *   dist/program.js     src/cli/ and all below as one script, a function of what a module would have
 *   dist/x.worker.js    src/…/x.worker.ts, found by `new URL("./x.worker.js", import.meta.url)`
 *   dist/package/       what `npm publish` gets: the same, a guard for older Node, licences; no dependencies
 *
 * With --into FOLDER: all but the package, into that folder.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");

export async function buildIfStale() {
  const inputs = [
    ...filesUnder(join(root, "src")),
    ...filesUnder(join(root, "scripts")),
    join(root, "package-lock.json"),
  ];
  const newest = Math.max(...inputs.map((file) => statSync(file).mtimeMs));
  const stamp = join(dist, "package", "package.json");
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= newest) return;
  await build();
}

export async function build() {
  const startedMs = performance.now();
  const { outputs, inputs } = await bundle(dist);
  for (const file of readdirSync(dist)) {
    if (file.endsWith(".js") && !outputs.includes(file)) rmSync(join(dist, file));
  }
  writePackage(outputs, inputs);
  const kilobytes = Math.round(outputs.reduce((sum, file) => sum + statSync(join(dist, file)).size, 0) / 1000);
  const ms = Math.round(performance.now() - startedMs);
  console.error(`build: dist/main.js and dist/package, ${outputs.length} files, ${kilobytes} kB, ${ms} ms`);
}

/** The file names in `outdir`, and the source files that went into them. */
async function bundle(outdir) {
  const esbuild = await import("esbuild");
  const options = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    target: "node24",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    metafile: true,
    plugins: [publicManifest],
    logLevel: "warning",
  };
  const program = await esbuild.build({
    ...options,
    entryPoints: ["src/cli/index.ts"],
    outfile: join(outdir, "program.js"),
    format: "cjs",
    charset: "ascii",
    // A script asks nobody for modules while it runs.
    supported: { "dynamic-import": false },
    define: { "import.meta.url": "programUrl" },
    banner: { js: "(function (require, module, programUrl) {" },
    footer: { js: "})" },
  });
  const workers = filesUnder(join(root, "src")).filter((file) => file.endsWith(".worker.ts"));
  const entries = await esbuild.build({
    ...options,
    entryPoints: [
      { in: "src/launcher.ts", out: "main" },
      ...workers.map((file) => ({ in: file, out: basename(file, ".ts") })),
    ],
    outdir,
    format: "esm",
  });
  // Its service would live as long as the script that is run next.
  await esbuild.stop();
  const metafiles = [program.metafile, entries.metafile];
  return {
    outputs: metafiles.flatMap(({ outputs }) => Object.keys(outputs).map((file) => basename(file))),
    inputs: metafiles.flatMap(({ inputs }) => Object.keys(inputs)),
  };
}

/** The program asks package.json for its version; the rest is the clone's business. */
const publicManifest = {
  name: "public manifest",
  setup(build) {
    build.onLoad({ filter: /\/package\.json$/ }, ({ path }) => {
      if (path !== join(root, "package.json")) return undefined;
      const { name, version } = readJson(path);
      return { contents: JSON.stringify({ name, version }), loader: "json" };
    });
  },
};

function writePackage(outputs, inputs) {
  const folder = join(dist, "package");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, "bin"), { recursive: true });
  for (const file of outputs) cpSync(join(dist, file), join(folder, file));
  for (const file of ["slipway.cjs", "start.cjs"])
    cpSync(join(root, "scripts/published", file), join(folder, "bin", file));
  for (const file of ["LICENSE", "README.md"]) {
    if (existsSync(join(root, file))) cpSync(join(root, file), join(folder, file));
  }
  writeFileSync(join(folder, "THIRD-PARTY-LICENSES"), thirdPartyLicenses(inputs));
  const { name, version, description, license, engines } = readJson(join(root, "package.json"));
  const published = {
    name,
    version,
    description,
    license,
    type: "module",
    engines,
    bin: { slipway: "bin/slipway.cjs" },
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
}

/** The licence texts of the packages whose code is in the bundle. */
function thirdPartyLicenses(inputs) {
  const names = new Set(inputs.map((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]).filter(Boolean));
  const texts = Array.from(names, String)
    .sort()
    .map((name) => {
      const folder = join(root, "node_modules", name);
      const { version, license } = readJson(join(folder, "package.json"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? "" : readFileSync(join(folder, file), "utf8");
      return `${name} ${version} (${license})\n\n${text}`;
    });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, "utf8"));
}

function filesUnder(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = join(folder, entry.name);
    return entry.isDirectory() ? filesUnder(file) : [file];
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [option, folder] = process.argv.slice(2);
  if (option === "--into") await bundle(resolve(folder));
  else await (option === "--if-stale" ? buildIfStale() : build());
}

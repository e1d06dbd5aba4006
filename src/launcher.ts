// The entry of the built program: runs program.js, which is all of cli/ and below as one script, together with what V8 made
// of it when the same command ran before. Compiling would be half of what a short command takes. Node's own compile cache
// lacks the functions that are compiled when they are first called, which are nearly all. docs/adr/0008
import type { runCli } from "./cli/index.ts";

// As they are: an import reads every property of them, and loads with it what few programs need.
const fs = process.getBuiltinModule("node:fs");
const path = process.getBuiltinModule("node:path");
const v8 = process.getBuiltinModule("node:v8");
const vm = process.getBuiltinModule("node:vm");
const zlib = process.getBuiltinModule("node:zlib");

/** The script is a function of what a module would have. */
type Program = (
  require: (name: string) => unknown,
  module: { readonly exports: { readonly runCli: typeof runCli } },
  url: string,
) => void;

/** Of a file of compiled code: milliseconds of processor time that the run took; CRC-32 of the rest, which is V8's. */
const HEADER_BYTES = 8;
const UNUSED_MS = 30 * 24 * 3_600_000;

const args = process.argv.slice(2);
const file = path.join(import.meta.dirname, "program.js");
const source = fs.readFileSync(file);
const directory = cacheDirectory();
const name = cacheName();
const kept = directory === undefined ? undefined : readKept(path.join(directory, name));
// It is ASCII (scripts/build.mjs).
const script = new vm.Script(source.toString("latin1"), {
  filename: file,
  ...(kept === undefined ? {} : { cachedData: kept.code }),
});
const module = { exports: {} } as Parameters<Program>[1];
(script.runInThisContext() as Program)((id) => process.getBuiltinModule(id), module, import.meta.url);
process.exitCode = await module.exports.runCli(args);
if (directory !== undefined && process.exitCode === 0) keepCode(directory);

/** Undefined where nothing can be kept, or others could put code there that would run as us. */
function cacheDirectory(): string | undefined {
  const { XDG_CACHE_HOME: chosen = "", HOME: home = "" } = process.env;
  const cache = path.join(path.isAbsolute(chosen) ? chosen : path.join(home, ".cache"), "slipway");
  if (!path.isAbsolute(cache)) return undefined;
  const compiled = path.join(cache, "compiled");
  for (const each of [cache, compiled]) {
    try {
      // Not recursively: Node tries for ever where no directory can be made, as below /proc.
      fs.mkdirSync(each, { mode: 0o700 });
    } catch {
      // It is there, or cannot be made.
    }
  }
  try {
    const { uid, mode } = fs.statSync(compiled);
    return uid === process.geteuid?.() && (mode & 0o022) === 0 ? compiled : undefined;
  } catch {
    return undefined;
  }
}

/** Each command calls other parts of the program. Where an option's value is taken for one, more is compiled in the run. */
function cacheName(): string {
  const command = args.find((word) => /^[a-z]{1,20}$/.test(word)) ?? "";
  // V8 itself knows a source by its length. Another V8, other flags and other processors want other code.
  return `${zlib.crc32(source)}-${v8.cachedDataVersionTag()}-${command}`;
}

/** Undefined unless it is whole: V8 believes what it reads. */
function readKept(from: string): { readonly code: Buffer; readonly workMs: number } | undefined {
  try {
    const bytes = fs.readFileSync(from);
    const code = bytes.subarray(HEADER_BYTES);
    return bytes.readUInt32LE(4) === zlib.crc32(code) ? { code, workMs: bytes.readUInt32LE() } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Once, and again when there was more to do: a build that found all its steps in the cache has called little of what
 * builds call. Where it cannot be written, commands go on without it.
 */
function keepCode(place: string): void {
  const { user, system } = process.cpuUsage();
  const workMs = Math.min(Math.round((user + system) / 1000), 0xffff_ffff);
  const good = script.cachedDataRejected === false ? kept : undefined;
  if (good !== undefined && workMs <= 1.5 * good.workMs) return;
  const made = script.createCachedData();
  // Long runs drop what they have not called for a while.
  const code = good !== undefined && good.code.length > made.length ? good.code : made;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(workMs);
  header.writeUInt32LE(zlib.crc32(code), 4);
  const temporary = path.join(place, `.${process.pid}.partial`);
  try {
    fs.writeFileSync(temporary, Buffer.concat([header, code]), { mode: 0o600 });
    fs.renameSync(temporary, path.join(place, name));
    removeUnused(place);
  } catch {
    fs.rmSync(temporary, { force: true });
  }
}

/** Programs that have been updated leave theirs; what is used still is made again. */
function removeUnused(place: string): void {
  const nowMs = fs.statSync(path.join(place, name)).mtimeMs;
  for (const other of fs.readdirSync(place)) {
    const each = path.join(place, other);
    if (nowMs - fs.statSync(each).mtimeMs > UNUSED_MS) fs.rmSync(each, { force: true });
  }
}

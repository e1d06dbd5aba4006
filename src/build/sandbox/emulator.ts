// Programs of another architecture run through qemu-user. From Linux 6.7 on every user namespace has a binfmt_misc of its
// own: nothing of this machine is changed. Older kernels need a handler of the machine's (slipway cross enable).
import { open, readdir, readFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { BuildError } from "../error.ts";
import { ARCHITECTURES, type Handler, handles, parseHandler, qemuPrograms } from "./binfmt.ts";
import { findProgram } from "./programs.ts";

export interface Emulator {
  /** OCI name: arm64. */
  readonly architecture: string;
  /** The qemu-user program on this machine. */
  readonly path: string;
  /** Who hands programs to it: a binfmt_misc of the sandbox's own, or this machine's. */
  readonly handler: "sandbox" | "host";
}

type Env = Readonly<Record<string, string | undefined>>;

export const BINFMT_DIRECTORY = "/proc/sys/fs/binfmt_misc";

/** Undefined: this machine runs it itself. Throws BuildError SANDBOX with the cure. */
export async function findEmulator(architecture: string, env: Env): Promise<Emulator | undefined> {
  if (isNative(architecture)) return undefined;
  if (qemuPrograms(architecture) === undefined) {
    throw new BuildError("SANDBOX", `cannot run ${architecture} programs: want one of ${ARCHITECTURES.join(", ")}`);
  }
  const path = await findQemu(architecture, env);
  if (path !== undefined && hasOwnBinfmt(release())) return { architecture, path, handler: "sandbox" };
  const handler = (await hostHandlers()).find(
    (each) => each.enabled && each.flags.includes("F") && handles(each, architecture),
  );
  if (handler !== undefined) return { architecture, path: handler.interpreter, handler: "host" };
  if (path !== undefined) {
    throw new BuildError(
      "SANDBOX",
      `cannot run ${architecture} programs: Linux ${release()} has one binfmt_misc for all, without a handler for them`,
      {
        hint: `As root: slipway cross enable ${architecture} --yes`,
      },
    );
  }
  throw noQemu(architecture);
}

export function noQemu(architecture: string): BuildError {
  const names = (qemuPrograms(architecture) ?? []).join(" and ");
  return new BuildError("SANDBOX", `cannot run ${architecture} programs on this machine: found no static ${names}`, {
    hint: "Install qemu-user-static (Debian, Ubuntu, Fedora) or qemu-user (Debian 13 and newer)",
  });
}

/** A static one: it opens programs of a root file system that lacks its libraries. */
export function findQemu(architecture: string, env: Env): Promise<string | undefined> {
  return findProgram(qemuPrograms(architecture) ?? [], env, isStatic);
}

/** This machine's handlers with their names; none where binfmt_misc is not mounted. */
export async function hostHandlers(directory: string = BINFMT_DIRECTORY): Promise<(Handler & { name: string })[]> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => name !== "register" && name !== "status");
  const found = await Promise.all(
    names.toSorted().map(async (name) => {
      const handler = parseHandler(await readFile(join(directory, name), "utf8").catch(() => ""));
      return handler === undefined ? [] : [{ ...handler, name }];
    }),
  );
  return found.flat();
}

/** uname -r of Linux 6.7 or newer. */
export function hasOwnBinfmt(kernelRelease: string): boolean {
  const [major = 0, minor = 0] = kernelRelease.split(/[^0-9]/).map(Number);
  return major > 6 || (major === 6 && minor >= 7);
}

const NATIVE: Readonly<Record<string, readonly string[]>> = {
  x64: ["amd64", "386"],
  arm64: ["arm64"],
  arm: ["arm"],
  ia32: ["386"],
  loong64: ["loong64"],
  ppc64: ["ppc64le"],
  riscv64: ["riscv64"],
  s390x: ["s390x"],
};

export function isNative(architecture: string): boolean {
  return (NATIVE[process.arch] ?? []).includes(architecture);
}

const PT_INTERP = 3;

/** No PT_INTERP among the program headers of a 64-bit little-endian ELF file. */
async function isStatic(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(4096), position: 0 });
    if (bytesRead < 64 || buffer[4] !== 2 || buffer[5] !== 1) return false;
    const [table, entrySize, count] = [
      Number(buffer.readBigUInt64LE(32)),
      buffer.readUInt16LE(54),
      buffer.readUInt16LE(56),
    ];
    for (let at = table; at < table + count * entrySize; at += entrySize) {
      if (entrySize === 0 || at + 4 > bytesRead) return false;
      if (buffer.readUInt32LE(at) === PT_INTERP) return false;
    }
    return true;
  } finally {
    await file.close();
  }
}

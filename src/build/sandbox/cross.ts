// This machine's own handlers for programs of other architectures, for kernels that give sandboxes no binfmt_misc of their
// own. They last until the next boot. Ours are named slipway-ARCH; no other is ever touched.
import { stat, writeFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { messageOf } from "../../base/errors.ts";
import { run } from "../../base/process/index.ts";
import { BuildError } from "../error.ts";
import { ARCHITECTURES, handles, registerLine } from "./binfmt.ts";
import { BINFMT_DIRECTORY, findQemu, hasOwnBinfmt, hostHandlers, isNative, noQemu } from "./emulator.ts";

type Env = Readonly<Record<string, string | undefined>>;

export interface CrossStatus {
  /** OCI name. */
  readonly architecture: string;
  /** How its programs run in a build: by the machine, by qemu in a sandbox's or the machine's binfmt_misc, or not at all. */
  readonly runs: "native" | "sandbox" | "host" | "no";
  /** The static qemu-user program that was found. */
  readonly emulator?: string;
  /** Names of the machine's enabled handlers for it. */
  readonly handlers: readonly string[];
  /** Ours is among them. */
  readonly ours: boolean;
}

/** Something to be written, shown before it is. */
export interface CrossWrite {
  readonly path: string;
  readonly text: string;
}

export function handlerName(architecture: string): string {
  return `slipway-${architecture}`;
}

/** Of one architecture, or of all that can be emulated. Throws BuildError BAD_VALUE for one that cannot. */
export async function crossStatus(env: Env, architecture?: string): Promise<readonly CrossStatus[]> {
  const wanted = architecture === undefined ? ARCHITECTURES : [known(architecture)];
  const host = await hostHandlers();
  return await Promise.all(
    wanted.map(async (each) => {
      const matching = host.filter((handler) => handler.enabled && handles(handler, each));
      const emulator = await findQemu(each, env);
      const runs = isNative(each)
        ? "native"
        : emulator !== undefined && hasOwnBinfmt(release())
          ? "sandbox"
          : matching.some(({ flags }) => flags.includes("F"))
            ? "host"
            : "no";
      const handlers = matching.map(({ name }) => name);
      const ours = handlers.includes(handlerName(each));
      return { architecture: each, runs, ...(emulator === undefined ? {} : { emulator }), handlers, ours };
    }),
  );
}

/** What enabling writes; nothing when the machine runs it or has our handler with this emulator. */
export async function planEnable(architecture: string, env: Env): Promise<readonly CrossWrite[]> {
  if (isNative(known(architecture))) return [];
  const emulator = await findQemu(architecture, env);
  if (emulator === undefined) throw noQemu(architecture);
  const name = handlerName(architecture);
  const ours = (await hostHandlers()).find((handler) => handler.name === name);
  if (ours?.enabled === true && ours.interpreter === emulator) return [];
  const removal = ours === undefined ? [] : await planDisable(architecture);
  const line = registerLine(name, architecture, emulator, "FP");
  return [...removal, { path: join(BINFMT_DIRECTORY, "register"), text: line }];
}

/** What disabling writes; nothing when there is no handler of ours. */
export async function planDisable(architecture: string): Promise<readonly CrossWrite[]> {
  const path = join(BINFMT_DIRECTORY, handlerName(known(architecture)));
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? [] : [{ path, text: "-1" }];
}

/** Needs root. Mounts binfmt_misc where it is not. Throws BuildError DENIED, SANDBOX. */
export async function applyCross(writes: readonly CrossWrite[]): Promise<void> {
  if (writes.length === 0) return;
  if (process.geteuid?.() !== 0) {
    throw new BuildError("DENIED", `cannot write to ${BINFMT_DIRECTORY}: that needs root`, {
      hint: "Run the same command as root",
    });
  }
  const register = await stat(join(BINFMT_DIRECTORY, "register")).catch(() => undefined);
  try {
    if (register === undefined) await run("mount", ["-t", "binfmt_misc", "binfmt_misc", BINFMT_DIRECTORY]);
    for (const { path, text } of writes) await writeFile(path, text);
  } catch (error) {
    throw new BuildError("SANDBOX", `cannot change the handlers in ${BINFMT_DIRECTORY}: ${messageOf(error)}`, {
      cause: error,
      hint: "In a container this is not possible: run it on the host",
    });
  }
}

function known(architecture: string): string {
  if (ARCHITECTURES.includes(architecture)) return architecture;
  throw new BuildError("BAD_VALUE", `no emulator for "${architecture}": want one of ${ARCHITECTURES.join(", ")}`);
}

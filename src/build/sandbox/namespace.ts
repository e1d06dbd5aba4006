// The user namespace that a build lives in (user_namespaces(7)): held open by a process that ends with us, whatever ends
// us; others join it by nsenter(1). Only util-linux is needed, and newuidmap for more than one id without root.
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { messageOf } from "../../base/errors.ts";
import { type ChildProcess, ProcessError, run, start } from "../../base/process/index.ts";
import { BuildError } from "../error.ts";
import { formatIdMap, identityMap, parseIdMap, rangeMap } from "./id-maps.ts";
import { findProgram, searchPath } from "./programs.ts";

export interface NamespaceOptions {
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
}

type Ids = Namespace["ids"];
type HostEnv = Readonly<Record<"PATH" | "LC_ALL", string>>;

export class Namespace implements AsyncDisposable {
  /** Root's full map; a range given by newuidmap; a single id. */
  readonly ids: "all" | "range" | "one";
  /** With a single id: what gives this user more, for the error of a step that failed for it. */
  readonly cure: string | undefined;
  /** The environment of host programs that work for the sandbox. */
  readonly env: HostEnv;
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess, env: HostEnv, ids: Ids, cure: string | undefined) {
    this.#holder = holder;
    this.env = env;
    this.ids = ids;
    this.cure = cure;
  }

  /** Throws BuildError SANDBOX with the cure. */
  static async open({ signal, env }: NamespaceOptions): Promise<Namespace> {
    signal.throwIfAborted();
    for (const program of ["unshare", "nsenter", "setpriv", "mount"]) {
      if ((await findProgram([program], env)) === undefined) {
        throw new BuildError("SANDBOX", `cannot run steps: ${program} is not installed`, {
          hint: "Install util-linux 2.38 or newer",
        });
      }
    }
    const hostEnv = { PATH: searchPath(env), LC_ALL: "C" };
    const holder = await startHolder(hostEnv);
    try {
      const { ids, cure } = await mapIds(holder.pid ?? 0, hostEnv);
      return new Namespace(holder, hostEnv, ids, cure);
    } catch (error) {
      holder.stdin?.end();
      throw error;
    }
  }

  /** How a host program is run as this namespace's root, in the host's file system: root needs no detour. */
  enter(program: string, args: readonly string[]): { readonly program: string; readonly args: readonly string[] } {
    return this.ids === "all" ? { program, args } : this.join(program, args);
  }

  /** How a program is run in the namespace itself, with all capabilities there. It becomes the process that is started. */
  join(program: string, args: readonly string[]): { readonly program: string; readonly args: readonly string[] } {
    // A single id may not change its groups.
    const credentials = this.ids === "one" ? ["--preserve-credentials"] : [];
    const namespace = `--user=/proc/${this.#holder.pid}/ns/user`;
    return { program: "nsenter", args: [namespace, ...credentials, "--", program, ...args] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.#holder.exitCode === null ? once(this.#holder, "exit") : undefined;
    this.#holder.stdin?.end();
    await ended;
  }
}

/** In a session of its own: a Ctrl-C on the terminal must not end it before the work directory is cleaned. */
async function startHolder(env: HostEnv): Promise<ChildProcess> {
  const holder = start("unshare", ["--user", "--", "sh", "-c", "echo; exec cat"], {
    env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  let complaint = "";
  holder.stderr?.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  holder.stdin?.on("error", () => undefined);
  const ready = await new Promise<boolean>((resolve) => {
    holder.stdout?.once("data", () => resolve(true));
    holder.once("close", () => resolve(false));
    holder.once("error", (error) => {
      complaint = messageOf(error);
      resolve(false);
    });
  });
  if (ready) return holder;
  const hint = await cureForNamespaces();
  throw new BuildError("SANDBOX", `cannot make a user namespace: ${complaint.trim()}`, { hint });
}

/** Switches of kernels and distributions that keep users from namespaces, and the value that does. */
const SWITCHES: readonly (readonly [name: string, off: string, on: string])[] = [
  ["user.max_user_namespaces", "0", "15000"],
  ["kernel.unprivileged_userns_clone", "0", "1"],
  ["kernel.apparmor_restrict_unprivileged_userns", "1", "0"],
];

export async function cureForNamespaces(): Promise<string> {
  for (const [name, off, on] of SWITCHES) {
    const value = await readFile(`/proc/sys/${name.replaceAll(".", "/")}`, "utf8").catch(() => "");
    if (value.trim() === off) return `As root: sysctl -w ${name}=${on}`;
  }
  return "In a container, let its seccomp profile allow unshare and mount (--security-opt seccomp=unconfined); in a chroot there are none";
}

async function mapIds(pid: number, env: HostEnv): Promise<{ ids: Ids; cure?: string }> {
  const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  if (uid === 0 && (await mapAll(pid))) return { ids: "all" };
  const name = userName(uid);
  const problem = await mapRange(pid, { uid, gid, name }, env);
  if (problem === undefined) return { ids: "range" };
  await writeFile(`/proc/${pid}/setgroups`, "deny");
  await writeFile(`/proc/${pid}/uid_map`, formatIdMap([{ inside: 0, outside: uid, count: 1 }]));
  await writeFile(`/proc/${pid}/gid_map`, formatIdMap([{ inside: 0, outside: gid, count: 1 }]));
  const cure = `as root: apt-get install uidmap && usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`;
  return { ids: "one", cure: `User ${name} has one id only (${problem}); ${cure}` };
}

/** False where root lacks the capabilities for it, as in some containers. */
async function mapAll(pid: number): Promise<boolean> {
  for (const map of ["uid_map", "gid_map"]) {
    const own = parseIdMap(await readFile(`/proc/self/${map}`, "utf8"));
    try {
      await writeFile(`/proc/${pid}/${map}`, formatIdMap(identityMap(own)));
    } catch (error) {
      if (map === "uid_map") return false;
      throw new BuildError("SANDBOX", `cannot map groups into a user namespace: ${messageOf(error)}`, { cause: error });
    }
  }
  return true;
}

/** Undefined when it is done, else why not. */
async function mapRange(
  pid: number,
  user: { readonly uid: number; readonly gid: number; readonly name: string },
  env: HostEnv,
): Promise<string | undefined> {
  const maps = [
    { program: "newuidmap", file: "/etc/subuid", ownId: user.uid },
    { program: "newgidmap", file: "/etc/subgid", ownId: user.gid },
  ];
  const commands: [string, string[]][] = [];
  for (const { program, file, ownId } of maps) {
    const text = await readFile(file, "utf8").catch(() => "");
    const extents = rangeMap(text, user.name, user.uid, ownId);
    if (extents === undefined) return `${file} gives none`;
    const path = await findProgram([program], env);
    if (path === undefined) return `${program} is not installed`;
    commands.push([path, [String(pid), ...formatIdMap(extents).trim().split(/\s+/)]]);
  }
  for (const [at, [program, args]] of commands.entries()) {
    try {
      await run(program, args);
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      if (at === 0) return error.message;
      throw new BuildError("SANDBOX", `cannot map groups into a user namespace: ${error.message}`, { cause: error });
    }
  }
  return undefined;
}

function userName(uid: number): string {
  try {
    return userInfo().username;
  } catch {
    return String(uid);
  }
}

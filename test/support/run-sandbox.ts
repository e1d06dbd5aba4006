/**
 * Runs a command in a sandbox as whoever starts this program, in a process of its own that can be killed. Standard input: a
 * list of SandboxOrder; standard output: `started` when a command has written something, and an outcome for each order.
 */
import {
  findEmulator,
  Namespace,
  runInSandbox,
  type SandboxMount,
  type SandboxRun,
} from "../../src/build/sandbox/index.ts";
import { SlipwayError } from "../../src/base/errors.ts";

export interface SandboxOrder extends Partial<Omit<SandboxRun, "signal" | "onOutput" | "mounts" | "stdin">> {
  readonly root: string;
  readonly argv: readonly string[];
  readonly mounts?: readonly (
    | SandboxMount
    | { type: "text"; target: string; text: string; mode: number; uid: number }
  )[];
  readonly stdinText?: string;
  readonly architecture?: string;
  /** Interrupts the run when it has written something. */
  readonly abort?: boolean;
}

export interface SandboxOutcome {
  readonly ids: string;
  readonly exitCode?: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly notes: readonly string[];
  readonly error?: { readonly name: string; readonly code?: string; readonly message: string; readonly hint?: string };
  readonly cure?: string;
}

async function obey(order: SandboxOrder): Promise<SandboxOutcome> {
  const abort = new AbortController();
  await using namespace = await Namespace.open({ signal: abort.signal, env: process.env });
  const { stdinText, architecture, mounts = [], abort: wantsAbort, ...rest } = order;
  const emulator = architecture === undefined ? undefined : await findEmulator(architecture, process.env);
  const output = { stdout: "", stderr: "" };
  const notes: string[] = [];
  const about = { ids: namespace.ids, ...(namespace.cure === undefined ? {} : { cure: namespace.cure }) };
  try {
    const { exitCode } = await runInSandbox(namespace, {
      env: { PATH: "/bin" },
      cwd: "/",
      uid: 0,
      gid: 0,
      groups: [],
      network: "host",
      ...rest,
      mounts: mounts.map((mount) =>
        mount.type === "text" ? { ...mount, type: "file", content: Buffer.from(mount.text), gid: mount.uid } : mount,
      ),
      ...(stdinText === undefined ? {} : { stdin: Buffer.from(stdinText) }),
      ...(emulator === undefined ? {} : { emulator }),
      signal: abort.signal,
      onNote: (note) => notes.push(note),
      onOutput: (stream, chunk) => {
        if (output.stdout + output.stderr === "") process.stdout.write("started\n");
        output[stream] += Buffer.from(chunk).toString();
        if (wantsAbort === true) abort.abort();
      },
    });
    return { ...about, exitCode, ...output, notes };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const facts = error instanceof SlipwayError ? { code: error.code, hint: error.hint } : {};
    return { ...about, ...output, notes, error: { name: error.name, message: error.message, ...facts } as never };
  }
}

let text = "";
for await (const chunk of process.stdin) text += String(chunk);
for (const order of JSON.parse(text) as SandboxOrder[]) process.stdout.write(`${JSON.stringify(await obey(order))}\n`);

// Standard output and standard error as named pipes: a command may open /dev/stdout and /dev/stderr again, as any user. The
// sockets that Node gives its children cannot be opened so.
import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { makeTempDir } from "../../base/io/index.ts";
import { run } from "../../base/process/index.ts";

interface Pipe {
  readonly read: number;
  readonly write: number;
}

export interface OutputPipes {
  readonly stdout: Pipe;
  readonly stderr: Pipe;
}

/** Their names are gone when this resolves; the pipes live as long as somebody has them open. */
export async function openOutputPipes(env: Readonly<Record<string, string>>): Promise<OutputPipes> {
  await using folder = await makeTempDir("slipway-run-");
  const [stdout, stderr] = [join(folder.path, "stdout"), join(folder.path, "stderr")];
  await run("mkfifo", ["-m", "0666", stdout, stderr], { env, installHint: "Install coreutils" });
  return { stdout: openBoth(stdout), stderr: openBoth(stderr) };
}

/** In this order neither waits for the other. */
function openBoth(path: string): Pipe {
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { read, write: openSync(path, constants.O_WRONLY) };
}

/** Once a child has its copy of the writing end: gives up ours, and reads until nobody can write any more. */
export function drain(pipe: Pipe, onData: (chunk: Buffer) => void): Promise<void> {
  closeSync(pipe.write);
  return new Promise((resolve, reject) => {
    const socket = new Socket({ fd: pipe.read, readable: true, writable: false });
    socket.on("data", onData);
    socket.once("error", reject);
    socket.once("close", () => resolve());
  });
}

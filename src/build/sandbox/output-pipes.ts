// Standard output and standard error as named pipes: a command may open /dev/stdout and /dev/stderr again, as any user. The
// sockets that Node gives its children cannot be opened so. They are in the sandbox's own memory, where no name is left
// when the command runs.
import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";

const NAMES = { stdout: ".out", stderr: ".err" } as const;

export type OutputStream = keyof typeof NAMES;

export class OutputPipes {
  /** Nobody can write any more. */
  readonly ended: Promise<unknown>;
  readonly #writers: number[] = [];

  /** Reads them from now on, until `release` and until everybody else has closed them. Throws what open(2) says. */
  constructor(directory: string, onData: (stream: OutputStream, chunk: Buffer) => void) {
    const streams = ["stdout", "stderr"] as const;
    const readers = streams.map((stream) => this.#open(join(directory, NAMES[stream])));
    this.ended = Promise.all(
      streams.map((stream, at) => drain(readers[at] as number, (chunk) => onData(stream, chunk))),
    );
    // Heard of by whoever waits for it.
    this.ended.catch(() => undefined);
  }

  /** The command has them open: they end with it. */
  release(): void {
    for (const fd of this.#writers.splice(0)) closeSync(fd);
  }

  /** The reading end. A pipe that nobody writes to yet would look as if it had ended, so both are opened. */
  #open(path: string): number {
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#writers.push(openSync(path, constants.O_WRONLY));
    return reader;
  }
}

function drain(fd: number, onData: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new Socket({ fd, readable: true, writable: false });
    socket.on("data", onData);
    socket.once("error", reject);
    socket.once("close", () => resolve());
  });
}

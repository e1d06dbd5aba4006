/** `slipway registry serve` as a process of its own, on a free port of loopback, which tests may kill and start again. */
import type { ChildProcess } from "node:child_process";
import { dirname, join } from "node:path";
import { start } from "../../src/base/process/index.ts";

const root: string = dirname(dirname(import.meta.dirname));

export interface ServedRegistry extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly process: ChildProcess;
  /** Ends it with a signal; resolves with the exit code, null when the signal ended it. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<number | null>;
  /** What it has logged. */
  log(): string;
}

/** `port` 0: any free one. `program`: the source unless told otherwise. */
export async function serveRegistry(
  directory: string,
  options: readonly string[] = [],
  port = 0,
  program: string = join(root, "src/main.ts"),
): Promise<ServedRegistry> {
  const argv = ["registry", "serve", "--root", directory, "--listen", `127.0.0.1:${port}`, ...options];
  const child = start(process.execPath, [program, ...argv], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  const ended = new Promise<number | null>((resolve) => child.once("close", (code) => resolve(code)));
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      log = `${log}${chunk.toString()}`.slice(-1_000_000);
      const [, found] = /^registry on (\S+),/m.exec(log) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then((code) => reject(new Error(`the registry ended with ${code}:\n${log}`)));
  });
  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<number | null> => {
    child.kill(signal);
    return await ended;
  };
  return {
    url,
    host: url.slice(url.indexOf("//") + 2),
    process: child,
    end,
    log: () => log,
    [Symbol.asyncDispose]: async () => void (await end("SIGKILL")),
  };
}

// What a command may touch of the process. Commands are functions of (context, arguments); they return data, and the
// shell around them prints it.
import { homedir } from "node:os";
import { join } from "node:path";
import type { Progress } from "../base/progress.ts";

export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly progress: Progress;
  /** Machine-readable output was asked for. */
  readonly json: boolean;
  /** Directory of the local store. */
  readonly storePath: string;
  /** Aborted on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** `--store`, else $SLIPWAY_STORE, else $XDG_DATA_HOME/slipway, else ~/.local/share/slipway. */
export function storePath(option: string | undefined, env: Context["env"]): string {
  const data = env["XDG_DATA_HOME"];
  return (
    option ??
    env["SLIPWAY_STORE"] ??
    join(data === undefined || data === "" ? join(homedir(), ".local/share") : data, "slipway")
  );
}

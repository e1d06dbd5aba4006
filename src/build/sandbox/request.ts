// What a RUN asks of the sandbox, as plain data.
import type { Emulator } from "./emulator.ts";

export type SandboxMount = { readonly target: string } & (
  | { readonly type: "bind"; readonly source: string; readonly readonly: boolean }
  | { readonly type: "tmpfs"; readonly sizeBytes?: number; readonly mode?: number }
  /** A file in memory that never touches a disk, for secrets; a mount of its own over `target`. */
  | {
      readonly type: "file";
      readonly content: Uint8Array;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
);

export interface SandboxRun {
  /** Directory of the root file system; its files belong to ids of the namespace. */
  readonly root: string;
  /** Looked up in the PATH of `env`, inside the root. */
  readonly argv: readonly string[];
  /** The whole environment of the command. */
  readonly env: Readonly<Record<string, string>>;
  /** Inside the root; it has to be there. */
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Made in this order. Targets are inside the root: what is missing is made, and taken away afterwards. */
  readonly mounts: readonly SandboxMount[];
  readonly network: "host" | "none";
  /** Nothing to read unless given. */
  readonly stdin?: Uint8Array;
  readonly signal: AbortSignal;
  /** The command starts: what else is to be done can be done meanwhile. */
  readonly onReady?: () => void;
  readonly onOutput: (stream: "stdout" | "stderr", chunk: Uint8Array) => void;
  /** What the sandbox did in another way than usual; with a single id, the cure when the command failed. */
  readonly onNote?: (message: string) => void;
  readonly emulator?: Emulator;
}

// The Containerfile as data: what the parser makes and everything else reads. Nothing is expanded here: a Word keeps its
// quotes, escapes and variables, because their values are known only when the step runs.

/** 1-based; columns count characters of the line as it is shown. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A part of an instruction as written: quotes, `$` and escapes still in it. Values of flags have lost their quotes. */
export interface Word {
  readonly text: string;
  readonly at: Position;
}

/** `<<NAME` and the lines up to NAME. */
export interface Heredoc {
  readonly name: string;
  /** Tabs of `<<-` are gone; each line ends with a newline. */
  readonly content: string;
  /** False for a quoted name: variables stay as they are. */
  readonly expand: boolean;
  readonly at: Position;
}

export type Command =
  | { readonly form: "exec"; readonly argv: readonly string[] }
  | { readonly form: "shell"; readonly script: string };

interface Base {
  readonly at: Position;
  /** The logical line: continuations joined, comments gone, heredocs' content not in it. */
  readonly text: string;
}

export interface From extends Base {
  readonly kind: "FROM";
  readonly image: Word;
  /** In small letters, as references to it are compared. */
  readonly alias?: string;
  readonly platform?: Word;
}

export interface Arg extends Base {
  readonly kind: "ARG";
  readonly args: readonly { readonly name: string; readonly value?: Word }[];
}

export interface Pair {
  readonly key: Word;
  readonly value: Word;
}

export interface Env extends Base {
  readonly kind: "ENV";
  readonly pairs: readonly Pair[];
}

export interface Label extends Base {
  readonly kind: "LABEL";
  readonly pairs: readonly Pair[];
}

export type RunMountType = "bind" | "cache" | "secret" | "tmpfs" | "ssh";

export interface RunMount {
  readonly type: RunMountType;
  /** Everything but the type, by the names of `docs/formats/containerfile.md`; a flag without a value is "true". */
  readonly options: ReadonlyMap<string, Word>;
  readonly at: Position;
}

export interface Run extends Base {
  readonly kind: "RUN";
  /** The line only: runScript puts the heredocs to it. */
  readonly command: Command;
  readonly heredocs: readonly Heredoc[];
  readonly mounts: readonly RunMount[];
  readonly network?: Word;
  readonly security?: Word;
}

export interface Copy extends Base {
  readonly kind: "COPY" | "ADD";
  readonly sources: readonly (Word | Heredoc)[];
  readonly destination: Word;
  readonly from?: Word;
  readonly chown?: Word;
  readonly chmod?: Word;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly Word[];
  readonly checksum?: Word;
  readonly keepGitDir: boolean;
  /** Unset: archives of the context are unpacked, those from URLs are not. */
  readonly unpack?: boolean;
}

export interface Cmd extends Base {
  readonly kind: "CMD";
  readonly command: Command;
}

export interface Entrypoint extends Base {
  readonly kind: "ENTRYPOINT";
  readonly command: Command;
}

export interface Shell extends Base {
  readonly kind: "SHELL";
  readonly argv: readonly string[];
}

export interface Expose extends Base {
  readonly kind: "EXPOSE";
  readonly ports: readonly Word[];
}

export interface User extends Base {
  readonly kind: "USER";
  readonly user: Word;
}

export interface Workdir extends Base {
  readonly kind: "WORKDIR";
  readonly path: Word;
}

export interface Volume extends Base {
  readonly kind: "VOLUME";
  readonly paths: readonly Word[];
}

export interface StopSignal extends Base {
  readonly kind: "STOPSIGNAL";
  readonly signal: Word;
}

export interface Maintainer extends Base {
  readonly kind: "MAINTAINER";
  readonly name: string;
}

export interface HealthCommand {
  readonly command: Command;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly startIntervalMs?: number;
  readonly retries?: number;
}

export interface Healthcheck extends Base {
  readonly kind: "HEALTHCHECK";
  readonly check: "none" | HealthCommand;
}

export interface OnBuild extends Base {
  readonly kind: "ONBUILD";
  readonly instruction: Instruction;
  /** What goes into the image's configuration: heredocs included. */
  readonly source: string;
}

export type Instruction =
  | From
  | Arg
  | Env
  | Label
  | Run
  | Copy
  | Cmd
  | Entrypoint
  | Shell
  | Expose
  | User
  | Workdir
  | Volume
  | StopSignal
  | Maintainer
  | Healthcheck
  | OnBuild;

export interface Directives {
  readonly syntax?: string;
  readonly escape: "\\" | "`";
  readonly check?: string;
}

export interface Containerfile {
  /** As messages show it. */
  readonly path: string;
  readonly directives: Directives;
  readonly instructions: readonly Instruction[];
  /** Without their ends, for messages. */
  readonly lines: readonly string[];
}

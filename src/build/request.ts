// What a build is asked for, what it may use, and what it tells on its way: plain data, made by the command.
import type { Progress } from "../base/progress.ts";
import type { Descriptor, Image, LocalStore, Platform } from "../oci/index.ts";
import type { Arguments } from "./arguments.ts";
import type { Containerfile, IgnoreRules } from "./containerfile/index.ts";
import type { Secret } from "./secrets/index.ts";

export interface BuildRequest {
  readonly containerfile: Containerfile;
  /** Directory that COPY takes files from. */
  readonly context: string;
  readonly ignore: IgnoreRules | undefined;
  /** `--build-context`, by name. */
  readonly contexts: ReadonlyMap<string, NamedContext>;
  readonly target?: string;
  /** One or more; several make an index. */
  readonly platforms: readonly Platform[];
  readonly buildPlatform: Platform;
  /** `--build-arg`. */
  readonly args: Arguments;
  readonly secrets: readonly Secret[];
  /** Sockets of ssh agents, by id. */
  readonly sshSockets: ReadonlyMap<string, string>;
  readonly squash: "none" | "new" | "all";
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
  /** `--timestamp`, SOURCE_DATE_EPOCH: nothing is later than this. */
  readonly epochSeconds?: number;
  readonly useCache: boolean;
  readonly network: "default" | "host" | "none";
  /** Mounted for every RUN. */
  readonly volumes: readonly HostVolume[];
  /** RUN steps at once. */
  readonly jobs: number;
}

export type NamedContext =
  | { readonly kind: "directory"; readonly path: string; readonly ignore: IgnoreRules | undefined }
  | { readonly kind: "image"; readonly reference: string };

export interface HostVolume {
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
}

/** An image whose blobs are in the local store. */
export interface BaseImage {
  readonly image: Image;
  /** Its full name, for history and annotations; undefined for files and folders of this machine. */
  readonly name: string | undefined;
}

export interface BuildServices {
  readonly local: LocalStore;
  /** Finds what a FROM names, asks the policy, and sees to it that the local store has the image. */
  readonly openBase: (reference: string, platform: Platform) => Promise<BaseImage>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: () => number;
  readonly progress: Progress;
  readonly report: (event: BuildEvent) => void;
  readonly signal: AbortSignal;
}

export interface Step {
  readonly platform: string;
  /** Name or number. */
  readonly stage: string;
  /** 1 is FROM. */
  readonly number: number;
  readonly of: number;
  /** The instruction on one line. */
  readonly text: string;
}

export interface StepResult extends Step {
  readonly seconds: number;
  readonly cached: boolean;
  /** Compressed; 0 for steps without a layer. */
  readonly layerBytes: number;
}

export type BuildEvent =
  | { readonly type: "step"; readonly step: Step }
  | { readonly type: "output"; readonly step: Step; readonly text: string }
  | { readonly type: "done"; readonly step: Step; readonly result: StepResult };

export interface BuiltImage {
  readonly platform: Platform;
  readonly descriptor: Descriptor;
  readonly configDigest: string;
  readonly steps: readonly StepResult[];
}

export interface BuildResult {
  /** Of the image, or of the index over several. Nothing is tagged yet. */
  readonly descriptor: Descriptor;
  readonly images: readonly BuiltImage[];
}

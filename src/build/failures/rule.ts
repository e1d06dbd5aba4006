// The shape of what is known about failing steps. Rules are data: a line of output is recognised, its cause and cure are told.

export interface FailureRule {
  readonly id: string;
  /** Any of them, tried on one line without its colours. */
  readonly patterns: readonly RegExp[];
  /**
   * What such a line is worth: `decisive` ends every step that meets it; `error` may have been caught; `harmless` is mostly
   * survived; `consequence` only says that something before it failed.
   */
  readonly weight: "decisive" | "error" | "harmless" | "consequence";
  readonly cause: string;
  /** One imperative sentence. */
  readonly cure: string;
  /** Versions that behave so, where not all do. */
  readonly affected?: string;
  /** Public reports. */
  readonly links?: readonly string[];
}

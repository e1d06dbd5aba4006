// A secret of a build: its id and its bytes, which go nowhere but into the sandbox's tmpfs and the search for leaks.

export interface Secret {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** Where it came from, for tools that read it themselves. */
  readonly origin?: { readonly type: "file"; readonly path: string } | { readonly type: "env"; readonly name: string };
}

/** Shorter values stand in too many places by chance: they are mounted, but neither searched for nor masked. */
export const MIN_SEARCHED_BYTES = 8;

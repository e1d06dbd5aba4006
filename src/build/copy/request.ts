// What one COPY or ADD asks for, words expanded.
export interface CopyRequest {
  readonly kind: "COPY" | "ADD";
  /** Paths, globs and URLs as written, or the heredocs. */
  readonly sources: readonly (string | { readonly name: string; readonly content: Uint8Array })[];
  /** As written: a trailing slash means a directory. */
  readonly destination: string;
  /** Absolute. */
  readonly workdir: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
  readonly checksum?: string;
  /** ADD --unpack: undefined unpacks local archives and no downloads. */
  readonly unpack?: boolean;
  /** Later times become this one. */
  readonly epochSeconds?: number;
  /** Where downloads and decompressed archives are kept until the layer is written; the caller's to remove. TMPDIR unless given. */
  readonly scratch?: string;
  readonly signal: AbortSignal;
}

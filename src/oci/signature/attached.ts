// A signature as it is found beside an image, whatever its form: some bytes, signatures over them, and what the bytes
// claim. Nothing of it is to be believed before it is verified.
import type { Digest } from "../../base/digest.ts";

export interface Claims {
  readonly digest: Digest;
  /** The name the image was signed under: `registry.example/os:1` or without tag; undefined when it names none. */
  readonly identity: string | undefined;
}

export type SignatureForm = "simple" | "bundle";

export interface AttachedSignature {
  /** A layer of the `.sig` manifest, or a bundle that refers to the image. */
  readonly form: SignatureForm;
  /** For messages: `sha256-….sig, layer 1`. */
  readonly where: string;
  /** What the signatures are over. */
  readonly signed: Uint8Array;
  readonly signatures: readonly Uint8Array[];
  /** Reads the signed bytes; throws OciError BAD_MANIFEST. */
  readonly claims: () => Claims;
}

/** Something that looks like a signature and cannot be used as one. */
export interface UnusableSignature {
  readonly where: string;
  readonly reason: string;
}

/** Where signatures of images are found: a store, as a rule. */
export interface SignatureSource {
  signatures(digest: Digest): AsyncIterable<AttachedSignature | UnusableSignature>;
}

/** More signatures of one image are not looked at. */
export const MAX_SIGNATURES = 200;
/** Payloads and bundles; real ones have a few hundred bytes, bundles with certificates and log entries some kilobytes. */
export const MAX_SIGNATURE_BYTES: number = 128 * 1024;

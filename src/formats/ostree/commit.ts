// commit objects: `(a{sv}aya(say)sstayay)`, metadata, parent, related (always empty), subject, body, timestamp
// (big-endian), root dirtree, root dirmeta (docs/formats/ostree.md). The order of the metadata is part of the checksum.
import { decodeGVariant, encodeGVariant, type Value, type Variant } from "../gvariant/index.ts";
import { swap64 } from "./byte-order.ts";
import { asArray, asBigint, asBytes, asString, asVariant } from "./cast.ts";
import { checksumFromBytes, checksumToBytes } from "./checksum.ts";
import { OstreeFormatError } from "./errors.ts";

const COMMIT_TYPE = "(a{sv}aya(say)sstayay)";

export interface Commit {
  readonly metadata: readonly (readonly [string, Variant])[];
  readonly parent?: string | undefined;
  readonly subject: string;
  readonly body: string;
  /** Seconds since 1970, never negative. */
  readonly timestampSeconds: number;
  readonly rootDirtree: string;
  readonly rootDirmeta: string;
}

export function encodeCommit(commit: Commit): Uint8Array {
  return encodeGVariant(COMMIT_TYPE, [
    commit.metadata,
    commit.parent === undefined ? new Uint8Array() : checksumToBytes(commit.parent),
    [],
    commit.subject,
    commit.body,
    swap64(BigInt(commit.timestampSeconds)),
    checksumToBytes(commit.rootDirtree),
    checksumToBytes(commit.rootDirmeta),
  ]);
}

/** Throws BAD_OBJECT, BAD_CHECKSUM or GVariantError. */
export function decodeCommit(bytes: Uint8Array): Commit {
  const [metadata, parent, related, subject, body, timestamp, dirtree, dirmeta] = asArray(
    decodeGVariant(COMMIT_TYPE, bytes),
  );
  if (asArray(related).length > 0)
    throw new OstreeFormatError("BAD_OBJECT", "cannot read a commit with related objects");
  const seconds = swap64(asBigint(timestamp));
  if (seconds > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new OstreeFormatError("BAD_OBJECT", `cannot read a commit: its timestamp ${seconds} is out of range`);
  }
  return {
    metadata: asArray(metadata).map(readEntry),
    parent: asBytes(parent).length === 0 ? undefined : checksumFromBytes(asBytes(parent)),
    subject: asString(subject),
    body: asString(body),
    timestampSeconds: Number(seconds),
    rootDirtree: checksumFromBytes(asBytes(dirtree)),
    rootDirmeta: checksumFromBytes(asBytes(dirmeta)),
  };
}

function readEntry(entry: Value): readonly [string, Variant] {
  const [key, value] = asArray(entry);
  if (asString(key) === "") throw new OstreeFormatError("BAD_OBJECT", "cannot read a commit: a metadata key is empty");
  return [asString(key), asVariant(value)];
}

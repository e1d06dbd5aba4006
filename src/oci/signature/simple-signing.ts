// The "simple signing" payload that cosign signs (docs/formats/signatures.md): which digest, under which name.
import { isDigest } from "../../base/digest.ts";
import { messageOf } from "../../base/errors.ts";
import { asObject, asString, at, type JsonObject, type Place, refuse } from "../json.ts";
import type { Claims } from "./attached.ts";
import { parseStrictJson } from "./strict-json.ts";

export const SIMPLE_SIGNING_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE_TYPE = "cosign container image signature";

/** Byte for byte what cosign writes, so that equal claims are equal blobs. */
export function formatSimpleSigning({ digest, identity }: Claims & { readonly identity: string }): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      critical: {
        identity: { "docker-reference": identity },
        image: { "docker-manifest-digest": digest },
        type: SIGNATURE_TYPE,
      },
      optional: null,
    }),
  );
}

/** Strict as containers/image is: no unknown and no missing members in what is critical. Throws OciError BAD_MANIFEST. */
export function parseSimpleSigning(bytes: Uint8Array, document: string): Claims {
  const place: Place = { document, path: "" };
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (error) {
    return refuse(place, "a simple signing payload", messageOf(error));
  }
  const payload = exactObject(value, place, ["critical", "optional"]);
  const criticalPlace = at(place, "critical");
  const critical = exactObject(payload["critical"], criticalPlace, ["identity", "image", "type"]);
  if (critical["type"] !== SIGNATURE_TYPE) return refuse(at(criticalPlace, "type"), SIGNATURE_TYPE, critical["type"]);
  const imagePlace = at(criticalPlace, "image");
  const image = exactObject(critical["image"], imagePlace, ["docker-manifest-digest"]);
  const identityPlace = at(criticalPlace, "identity");
  const identity = exactObject(critical["identity"], identityPlace, ["docker-reference"]);
  const digest = asString(image["docker-manifest-digest"], at(imagePlace, "docker-manifest-digest"));
  return {
    digest: isDigest(digest) ? digest : refuse(imagePlace, "sha256: and 64 lower-case hex digits", digest),
    identity: asString(identity["docker-reference"], at(identityPlace, "docker-reference")),
  };
}

function exactObject(value: unknown, place: Place, members: readonly string[]): JsonObject {
  const object = asObject(value, place);
  const found = Object.keys(object).sort().join(", ");
  return found === [...members].sort().join(", ") ? object : refuse(place, `exactly ${members.join(", ")}`, found);
}

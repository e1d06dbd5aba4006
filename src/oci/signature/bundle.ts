// Sigstore bundles, version 0.3, that hold a DSSE envelope around an in-toto statement (docs/formats/signatures.md):
// what cosign 3 attaches as a referrer of the image. Written for key pairs: no certificate, no log entry. When reading,
// only the envelope counts. Refused: bare message signatures, and envelopes of anything but in-toto statements.
import { type Digest, digestHex, isDigest } from "../../base/digest.ts";
import { messageOf } from "../../base/errors.ts";
import { asArray, asObject, asString, at, type JsonObject, optional, type Place, refuse } from "../json.ts";
import type { AttachedSignature, Claims } from "./attached.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { signBytes, type Signer } from "./private-key.ts";
import { keyHint } from "./public-key.ts";
import { parseStrictJson } from "./strict-json.ts";

export const BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** Older and newer versions have names of this form. */
export const BUNDLE_TYPE_PATTERN: RegExp = /^application\/vnd\.dev\.sigstore\.bundle[.+;]/;
/** That the statement is a signature and says nothing else of the image. */
export const SIGN_PREDICATE = "https://sigstore.dev/cosign/sign/v1";
export const BUNDLE_ANNOTATIONS: Readonly<Record<string, string>> = {
  "dev.sigstore.bundle.content": "dsse-envelope",
  "dev.sigstore.bundle.predicateType": SIGN_PREDICATE,
};

const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const STATEMENT_TYPES: readonly unknown[] = ["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"];
const MAX_ENVELOPE_SIGNATURES = 20;
const MAX_SUBJECTS = 100;

export function formatBundle(claims: Claims, signer: Signer): Uint8Array {
  const name = claims.identity === undefined ? {} : { name: claims.identity };
  const payload = Buffer.from(
    JSON.stringify({
      _type: STATEMENT_TYPES[0],
      subject: [{ ...name, digest: { sha256: digestHex(claims.digest) } }],
      predicateType: SIGN_PREDICATE,
      predicate: {},
    }),
  );
  return Buffer.from(
    JSON.stringify({
      mediaType: BUNDLE_TYPE,
      verificationMaterial: { publicKey: { hint: keyHint(signer.publicKey.key) } },
      dsseEnvelope: {
        payload: encodeBase64(payload),
        payloadType: PAYLOAD_TYPE,
        signatures: [{ sig: encodeBase64(signBytes(signer, preAuthEncoding(PAYLOAD_TYPE, payload))) }],
      },
    }),
  );
}

/** Throws OciError BAD_MANIFEST. `digest` is the image's: of several subjects its one is the claim. */
export function parseBundle(bytes: Uint8Array, where: string, digest: Digest): AttachedSignature {
  const place: Place = { document: where, path: "" };
  const bundle = parseObject(bytes, place);
  if (bundle["messageSignature"] !== undefined)
    return refuse(place, "a DSSE envelope that names the image", "a message signature");
  const envelopePlace = at(place, "dsseEnvelope");
  const envelope = asObject(bundle["dsseEnvelope"], envelopePlace);
  const payloadType = asString(envelope["payloadType"], at(envelopePlace, "payloadType"));
  if (payloadType !== PAYLOAD_TYPE) return refuse(at(envelopePlace, "payloadType"), PAYLOAD_TYPE, payloadType);
  const payload = readBytes(envelope["payload"], at(envelopePlace, "payload"));
  const list = at(envelopePlace, "signatures");
  return {
    form: "bundle",
    where,
    signed: preAuthEncoding(payloadType, payload),
    signatures: asArray(envelope["signatures"], list, MAX_ENVELOPE_SIGNATURES).map((item, index) =>
      readBytes(asObject(item, at(list, index))["sig"], at(at(list, index), "sig")),
    ),
    claims: () => parseStatement(payload, where, digest),
  };
}

/** DSSE's pre-authentication encoding: what is signed. */
function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType);
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `), payload]);
}

function parseStatement(payload: Uint8Array, document: string, digest: Digest): Claims {
  const place: Place = { document: `the statement of ${document}`, path: "" };
  const statement = parseObject(payload, place);
  if (!STATEMENT_TYPES.includes(statement["_type"]))
    return refuse(at(place, "_type"), "an in-toto statement", statement["_type"]);
  // An attestation that a tool made of the image, of whatever it found, is no approval of the image.
  if (statement["predicateType"] !== SIGN_PREDICATE)
    return refuse(at(place, "predicateType"), SIGN_PREDICATE, statement["predicateType"]);
  const list = at(place, "subject");
  const subjects = asArray(statement["subject"], list, MAX_SUBJECTS).map((item, index) =>
    readSubject(item, at(list, index)),
  );
  const claims = subjects.find((subject) => subject.digest === digest) ?? subjects[0];
  return claims ?? refuse(list, "a subject", "none");
}

function readSubject(value: unknown, place: Place): Claims {
  const subject = asObject(value, place);
  const digest = `sha256:${asString(asObject(subject["digest"], at(place, "digest"))["sha256"], at(place, "digest.sha256"))}`;
  const name = optional(subject["name"], at(place, "name"), asString);
  return {
    digest: isDigest(digest) ? digest : refuse(at(place, "digest.sha256"), "64 lower-case hex digits", digest),
    identity: name === "" ? undefined : name,
  };
}

function parseObject(bytes: Uint8Array, place: Place): JsonObject {
  let value: unknown;
  try {
    value = parseStrictJson(bytes);
  } catch (error) {
    return refuse(place, "JSON", messageOf(error));
  }
  return asObject(value, place);
}

function readBytes(value: unknown, place: Place): Uint8Array {
  return decodeBase64(asString(value, place)) ?? refuse(place, "base64", value);
}

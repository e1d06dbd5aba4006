// One requirement of a policy, containers-policy.json(5) "Policy Requirements". Those that need what Slipway has not,
// OpenPGP, certificates or transparency logs, are understood and never fulfilled: an image they protect is refused.
import { decodeBase64 } from "../base64.ts";
import { expandedName, type IdentityRule } from "../identity.ts";
import { knownMembers, plainObject, text, texts } from "./members.ts";

/** Keys in files are read when they are needed; those in the policy are PEM texts. */
export type KeyPlace = { readonly path: string } | { readonly pem: string; readonly source: string };

export type Requirement =
  | { readonly type: "insecureAcceptAnything" | "reject" }
  | { readonly type: "sigstoreSigned"; readonly keys: readonly KeyPlace[]; readonly identity: IdentityRule }
  | { readonly type: "unsupported"; readonly what: string };

const KEY_MEMBERS = ["keyPath", "keyPaths", "keyData", "keyDatas"] as const;
const TRUST_MEMBERS: readonly string[] = [...KEY_MEMBERS, "fulcio", "pki"];
const REKOR_MEMBERS: readonly string[] = [
  "rekorPublicKeyPath",
  "rekorPublicKeyPaths",
  "rekorPublicKeyData",
  "rekorPublicKeyDatas",
];

/** Throws SyntaxError, OciError BAD_MANIFEST. */
export function readRequirement(value: unknown, where: string): Requirement {
  const { type } = plainObject(value, where);
  switch (type) {
    case "insecureAcceptAnything":
    case "reject":
      knownMembers(value, where, ["type"]);
      return { type };
    case "sigstoreSigned":
      return readSigstoreSigned(value, where);
    case "signedBy":
      return readSignedBy(value, where);
    case "signedBaseLayer":
      knownMembers(value, where, ["type", "baseLayerIdentity"]);
      return { type: "unsupported", what: "signedBaseLayer" };
    default:
      throw new SyntaxError(`${where}.type is ${JSON.stringify(type) ?? "missing"}, which is no known requirement`);
  }
}

function readSigstoreSigned(value: unknown, where: string): Requirement {
  const object = knownMembers(value, where, ["type", ...TRUST_MEMBERS, ...REKOR_MEMBERS, "signedIdentity"]);
  const trust = TRUST_MEMBERS.filter((member) => object[member] !== undefined);
  const rekor = REKOR_MEMBERS.filter((member) => object[member] !== undefined);
  if (trust.length !== 1)
    throw new SyntaxError(
      `${where} has ${trust.join(", ") || "no key"}, wanted is exactly one of ${TRUST_MEMBERS.join(", ")}`,
    );
  if (rekor.length > 1) throw new SyntaxError(`${where} has ${rekor.join(", ")}, wanted is at most one of them`);
  const identity = readIdentity(object["signedIdentity"], `${where}.signedIdentity`);
  const foreign = [...trust, ...rekor].find((member) => !(KEY_MEMBERS as readonly string[]).includes(member));
  if (foreign !== undefined) return { type: "unsupported", what: `sigstoreSigned with ${foreign}` };
  return { type: "sigstoreSigned", keys: readKeys(object, where), identity };
}

function readKeys(object: Readonly<Record<string, unknown>>, where: string): readonly KeyPlace[] {
  const at = (member: string): string => `${where}.${member}`;
  if (object["keyPath"] !== undefined) return [{ path: text(object["keyPath"], at("keyPath")) }];
  if (object["keyPaths"] !== undefined) return texts(object["keyPaths"], at("keyPaths")).map((path) => ({ path }));
  if (object["keyData"] !== undefined) return [readKeyData(text(object["keyData"], at("keyData")), at("keyData"))];
  return texts(object["keyDatas"], at("keyDatas")).map((data, index) => readKeyData(data, at(`keyDatas[${index}]`)));
}

function readKeyData(data: string, source: string): KeyPlace {
  const pem = decodeBase64(data);
  if (pem === undefined) throw new SyntaxError(`${source} is not base64`);
  return { pem: Buffer.from(pem).toString("latin1"), source };
}

function readSignedBy(value: unknown, where: string): Requirement {
  const object = knownMembers(value, where, ["type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"]);
  readIdentity(object["signedIdentity"], `${where}.signedIdentity`);
  return { type: "unsupported", what: "signedBy (OpenPGP)" };
}

function readIdentity(value: unknown, where: string): IdentityRule {
  const { type } = value === undefined ? { type: "matchRepoDigestOrExact" } : plainObject(value, where);
  switch (type) {
    case "matchExact":
    case "matchRepoDigestOrExact":
    case "matchRepository":
      if (value !== undefined) knownMembers(value, where, ["type"]);
      return { type };
    case "exactReference": {
      const object = knownMembers(value, where, ["type", "dockerReference"]);
      const dockerReference = imageName(object["dockerReference"], `${where}.dockerReference`);
      const { tag, digest } = expandedName(dockerReference) ?? {};
      if (tag === undefined && digest === undefined)
        throw new SyntaxError(`${where}.dockerReference has neither tag nor digest`);
      return { type, dockerReference };
    }
    case "exactRepository": {
      const object = knownMembers(value, where, ["type", "dockerRepository"]);
      return { type, dockerRepository: imageName(object["dockerRepository"], `${where}.dockerRepository`) };
    }
    case "remapIdentity": {
      const object = knownMembers(value, where, ["type", "prefix", "signedPrefix"]);
      return {
        type,
        prefix: text(object["prefix"], `${where}.prefix`),
        signedPrefix: text(object["signedPrefix"], `${where}.signedPrefix`),
      };
    }
    default:
      throw new SyntaxError(`${where}.type is ${JSON.stringify(type) ?? "missing"}, which is no known rule`);
  }
}

function imageName(value: unknown, where: string): string {
  const name = text(value, where);
  if (expandedName(name) === undefined)
    throw new SyntaxError(`${where} is ${JSON.stringify(name)}, which is no image name`);
  return name;
}

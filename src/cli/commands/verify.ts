// `slipway verify`: whether an image is signed by a key, or, without a key, whether the signature policy allows it.
import type { Digest } from "../../base/digest.ts";
import {
  assertAllowed,
  expandedName,
  formatReference,
  type IdentityRule,
  type ImageName,
  indexesOf,
  type JudgedSignature,
  judgeSignatures,
  locate,
  parseReference,
  readPublicKey,
  type Reference,
  referenceFound,
  refuseIdentity,
  SignatureError,
  storeSignatures,
} from "../../oci/index.ts";
import type { CommandFunction, CommandResult } from "../app.ts";
import { openPlaces } from "../places.ts";
import { policyOf } from "../policy.ts";

const SHOWN_REASONS = 20;

export const verify: CommandFunction = async (context, [text = ""], options) => {
  const reference = parseReference(text);
  await using places = await openPlaces(context, options);
  await using located = await locate(reference, places);
  const { store, name } = located;
  const found = referenceFound(reference, located);
  const descriptor = await store.resolve(name);
  const keyFiles = options["key"] as readonly string[] | undefined;
  if (keyFiles === undefined) {
    const policy = await policyOf(context, options);
    await assertAllowed({ reference: found, store, descriptor, storeDirectory: context.storePath }, policy);
    return {
      text: `${descriptor.digest}  allowed by ${policy.source}\n`,
      data: { digest: descriptor.digest, policy: policy.source },
    };
  }
  const keys = await Promise.all(keyFiles.map((path) => readPublicKey(path)));
  const check = identityCheck(found, options["identity"]);
  const judged: JudgedSignature[] = [];
  for (const { digest } of [descriptor, ...(await indexesOf(store, descriptor)).slice(0, 1)])
    judged.push(...(await Array.fromAsync(judgeSignatures(storeSignatures(store), digest, keys, check))));
  return report(formatReference(found), descriptor.digest, judged);
};

/**
 * `--identity` must be met; otherwise a signature that names a repository must name the one that the image is read
 * from, where that has a name which means something elsewhere.
 */
function identityCheck(reference: Reference, given: unknown): (claimed: string | undefined) => string | undefined {
  if (typeof given === "string") {
    const name = expandedName(given);
    if (name === undefined)
      throw new SignatureError("BAD_IDENTITY", `cannot look for ${JSON.stringify(given)}: it is no image name`);
    return (claimed) => refuseIdentity(ruleOf(given, name), undefined, claimed);
  }
  if (reference.transport !== "docker") return () => undefined;
  const { image } = reference;
  return (claimed) => (claimed === undefined ? undefined : refuseIdentity({ type: "matchRepository" }, image, claimed));
}

function ruleOf(given: string, { tag, digest }: ImageName): IdentityRule {
  return tag === undefined && digest === undefined
    ? { type: "exactRepository", dockerRepository: given }
    : { type: "exactReference", dockerReference: given };
}

function report(name: string, digest: Digest, judged: readonly JudgedSignature[]): CommandResult {
  const reasons = judged.flatMap(({ where, reason }) => (reason === undefined ? [] : [`${where}: ${reason}`]));
  const accepted = judged.flatMap(({ where, accepted: claims }) =>
    claims === undefined ? [] : [{ where, identity: claims.identity ?? null, key: claims.key.source }],
  );
  if (accepted.length === 0) {
    const why = reasons.length === 0 ? "it has no signature" : reasons.slice(0, SHOWN_REASONS).join("; ");
    throw new SignatureError("NOT_SIGNED", `cannot verify ${name}: ${why}`, {
      hint: "Check that the key and the name are those it was signed with; --identity gives another name",
      data: { image: name, digest },
    });
  }
  const lines = accepted.map(({ where, identity, key }) => `accepted: ${identity ?? "(no name)"} by ${key} (${where})`);
  const others = reasons.map((reason) => `ignored: ${reason}`);
  return { text: `${[digest, ...lines, ...others].join("\n")}\n`, data: { digest, accepted, ignored: reasons } };
}

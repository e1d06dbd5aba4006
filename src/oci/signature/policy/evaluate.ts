// Whether a policy allows an image, containers-policy.json(5): the requirements of the most specific scope alone count,
// and all of them.
import { messageOf } from "../../../base/errors.ts";
import { indexesOf } from "../../chosen-from.ts";
import type { Descriptor } from "../../descriptor.ts";
import { formatReference, type Reference } from "../../reference.ts";
import type { ReadableStore } from "../../store.ts";
import type { SignatureSource } from "../attached.ts";
import { SignatureError } from "../error.ts";
import { storeSignatures } from "../find.ts";
import { type IdentityRule, refuseIdentity } from "../identity.ts";
import { readPublicKey } from "../key-file.ts";
import { parsePublicKey, type PublicKey } from "../public-key.ts";
import { judgeSignatures } from "../verify.ts";
import type { Policy } from "./policy.ts";
import type { KeyPlace, Requirement } from "./requirement.ts";
import { type PolicyPlace, policyPlace } from "./scopes.ts";

export interface PolicyVerdict {
  /** Which rule decided: `default`, `docker`, `docker registry.example/os`. */
  readonly rule: string;
  /** Why the image is not allowed; empty when it is. */
  readonly reasons: readonly string[];
}

/**
 * `images` are the ones a signature may be of: the index that the name stands for, and the image chosen from it, now or
 * when it was pulled.
 * Throws what the signatures' store throws.
 */
export async function evaluatePolicy(
  policy: Policy,
  place: PolicyPlace,
  images: readonly Descriptor[],
  source: SignatureSource,
): Promise<PolicyVerdict> {
  const { rule, requirements } = requirementsFor(policy, place);
  for (const requirement of requirements) {
    const reasons = await unfulfilled(requirement, place, images, source);
    if (reasons.length > 0) return { rule, reasons };
  }
  return { rule, reasons: [] };
}

function requirementsFor(policy: Policy, { transport, scopes, isOwn }: PolicyPlace): Rule {
  const byScope = policy.transports.get(transport) ?? new Map<string, readonly Requirement[]>();
  const mayMatch = [...byScope.keys()].some((scope) => scope !== "");
  if (scopes === undefined && mayMatch) {
    const what = `scopes of the transport ${transport}`;
    return { rule: transport, requirements: [{ type: "unsupported", what }] };
  }
  for (const scope of [...(scopes ?? []), ""]) {
    const requirements = byScope.get(scope);
    if (requirements !== undefined) return { rule: `${transport} ${scope}`.trimEnd(), requirements };
  }
  return { rule: "default", requirements: isOwn === true ? [] : policy.default };
}

interface Rule {
  readonly rule: string;
  readonly requirements: readonly Requirement[];
}

async function unfulfilled(
  requirement: Requirement,
  place: PolicyPlace,
  images: readonly Descriptor[],
  source: SignatureSource,
): Promise<readonly string[]> {
  switch (requirement.type) {
    case "insecureAcceptAnything":
      return [];
    case "reject":
      return ["the policy rejects every image there"];
    case "unsupported":
      return [`the policy asks for ${requirement.what}, which Slipway cannot check`];
    case "sigstoreSigned": {
      let keys: readonly PublicKey[];
      try {
        keys = await Promise.all(requirement.keys.map(readKey));
      } catch (error) {
        return [messageOf(error)];
      }
      return unsigned(keys, requirement.identity, place, images, source);
    }
  }
}

async function unsigned(
  keys: readonly PublicKey[],
  rule: IdentityRule,
  { identity }: PolicyPlace,
  images: readonly Descriptor[],
  source: SignatureSource,
): Promise<readonly string[]> {
  const reasons: string[] = [];
  for (const { digest } of images) {
    const check = (claimed: string | undefined): string | undefined => refuseIdentity(rule, identity, claimed);
    for await (const { where, accepted, reason } of judgeSignatures(source, digest, keys, check)) {
      if (accepted !== undefined) return [];
      reasons.push(`${where}: ${reason}`);
    }
  }
  return reasons.length === 0 ? ["it has no signature"] : reasons;
}

async function readKey(place: KeyPlace): Promise<PublicKey> {
  return "path" in place ? readPublicKey(place.path) : parsePublicKey(place.pem, place.source);
}

export interface ProtectedImage {
  readonly reference: Reference;
  /** Where the image is read from; its signatures are looked for there. */
  readonly store: ReadableStore;
  /** What the name stands for. */
  readonly descriptor: Descriptor;
  /** The image that was chosen, when `descriptor` is an index: a signature of either one counts. */
  readonly instance?: Descriptor;
  /** The local store's directory: names in it stand in policies as `[DIRECTORY]name`. */
  readonly storeDirectory: string;
}

/**
 * The call to make before anything of an image is used, once its name is resolved and before its layers are read:
 *
 *     const policy = await loadPolicy({ path: options.policy, home, notice });   // once a command
 *     await assertAllowed({ reference, store, descriptor, storeDirectory }, policy);
 *
 * What is read afterwards must be reached from `descriptor` by digest. Throws SignatureError REFUSED, which says what
 * each signature lacked.
 */
export async function assertAllowed(image: ProtectedImage, policy: Policy): Promise<void> {
  const place = await policyPlace(image.reference, image.storeDirectory);
  const { store, descriptor, instance } = image;
  const [index] = await indexesOf(store, descriptor);
  const images = [index, descriptor, instance].filter((each) => each !== undefined);
  const { rule, reasons } = await evaluatePolicy(policy, place, images, storeSignatures(store));
  if (reasons.length === 0) return;
  const name = formatReference(image.reference);
  throw new SignatureError(
    "REFUSED",
    `cannot use ${name}: the signature policy does not allow it (${policy.source}, ${rule}): ${reasons.slice(0, MAX_REASONS).join("; ")}`,
    {
      hint: "Sign the image with a key that the policy names, or change the policy",
      data: { image: name, digest: image.descriptor.digest, policy: policy.source, rule },
    },
  );
}

const MAX_REASONS = 10;

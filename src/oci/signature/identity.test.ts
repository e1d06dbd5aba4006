import { describe, expect, it } from "vitest";
import { parseImageName } from "../reference.ts";
import { type IdentityRule, refuseIdentity } from "./identity.ts";

const D = `sha256:${"1".repeat(64)}`;
const EXACT: IdentityRule = { type: "matchExact" };
const DIGEST_OR_EXACT: IdentityRule = { type: "matchRepoDigestOrExact" };
const REPOSITORY: IdentityRule = { type: "matchRepository" };
const REFERENCE: IdentityRule = { type: "exactReference", dockerReference: "up.example/os:1" };
const EXACT_REPOSITORY: IdentityRule = { type: "exactRepository", dockerRepository: "up.example/os" };
const REMAP: IdentityRule = { type: "remapIdentity", prefix: "mirror.example/up", signedPrefix: "up.example" };

describe("signedIdentity", () => {
  it.each<[IdentityRule, string | undefined, string, boolean]>([
    [EXACT, "a.example/os:1", "a.example/os:1", true],
    [EXACT, "a.example/os:1", "a.example/os:2", false],
    [EXACT, "a.example/os:1", "a.example/os", false],
    [EXACT, `a.example/os@${D}`, "a.example/os:1", false],
    [EXACT, "busybox:1", "docker.io/library/busybox:1", true],
    [EXACT, "index.docker.io/library/busybox:1", "busybox:1", true],
    [DIGEST_OR_EXACT, "a.example/os:1", "a.example/os:1", true],
    [DIGEST_OR_EXACT, "a.example/os:1", "a.example/os:2", false],
    [DIGEST_OR_EXACT, "a.example/os:1", "a.example/os", false],
    [DIGEST_OR_EXACT, `a.example/os@${D}`, "a.example/os:7", true],
    [DIGEST_OR_EXACT, `a.example/os@${D}`, "a.example/os", false],
    [DIGEST_OR_EXACT, `a.example/os@${D}`, "b.example/os:7", false],
    [REPOSITORY, "a.example/os:1", "a.example/os", true],
    [REPOSITORY, "a.example/os:1", "a.example/os:other", true],
    [REPOSITORY, "a.example/os:1", "a.example/os2", false],
    [REPOSITORY, "a.example:5000/os:1", "a.example/os", false],
    [REFERENCE, "mirror.example/x:9", "up.example/os:1", true],
    [REFERENCE, undefined, "up.example/os:1", true],
    [REFERENCE, undefined, "up.example/os:2", false],
    [REFERENCE, undefined, "up.example/os", false],
    [EXACT_REPOSITORY, undefined, "up.example/os", true],
    [EXACT_REPOSITORY, undefined, "up.example/os:3", true],
    [EXACT_REPOSITORY, undefined, "up.example/os/more", false],
    [REMAP, "mirror.example/up/os:1", "up.example/os:1", true],
    [REMAP, "mirror.example/up/os:1", "mirror.example/up/os:1", false],
    [REMAP, "mirror.example/upper/os:1", "mirror.example/upper/os:1", true],
    [REMAP, `mirror.example/up/os@${D}`, "up.example/os:3", true],
    [EXACT, undefined, "a.example/os:1", false],
    [REPOSITORY, undefined, "a.example/os:1", false],
    [REPOSITORY, "a.example/os:1", "Not a Name", false],
    [REPOSITORY, "a.example/os:1", "", false],
  ])("%o of an image asked for as %s accepts %s: %s", (rule, intended, claimed, accepted) => {
    const reason = refuseIdentity(rule, intended === undefined ? undefined : parseImageName(intended), claimed);
    expect(reason === undefined, reason).toBe(accepted);
  });

  it("is never met by a signature that names nothing", () => {
    for (const rule of [EXACT, DIGEST_OR_EXACT, REPOSITORY, REFERENCE, EXACT_REPOSITORY, REMAP])
      expect(refuseIdentity(rule, parseImageName("a.example/os:1"), undefined)).toMatch(/names no repository/);
  });

  it("says what was signed and what is wanted", () => {
    const intended = parseImageName("a.example/os:1");
    expect(refuseIdentity(DIGEST_OR_EXACT, intended, "a.example/os")).toBe(
      "it is made for a.example/os, wanted is a.example/os:1 with a tag (matchRepoDigestOrExact)",
    );
  });
});

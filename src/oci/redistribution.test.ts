import { describe, expect, it } from "vitest";
import {
  assertRedistributable,
  findRestriction,
  isPublicRegistry,
  parseRedistributionRules,
  REDISTRIBUTION_RULES,
} from "./redistribution.ts";

const LAYER = `sha256:${"a".repeat(64)}` as const;

describe("findRestriction", () => {
  it.each([
    ["rhel-bootc", { "com.redhat.component": "rhel-bootc-container" }, true],
    ["rhel in image mode", { "redhat.id": "rhel", "containers.bootc": "1" }, true],
    ["rhel for subscribers", { "com.redhat.license_terms": "https://www.redhat.com/licenses/EULA.pdf" }, true],
    ["ubi", { "com.redhat.license_terms": "https://www.redhat.com/en/about/agreements#UBI" }, false],
    ["centos", { "redhat.id": "centos", "containers.bootc": "1" }, false],
    ["sle", { "com.suse.eula": "sle-eula" }, true],
    ["bci", { "com.suse.eula": "sle-bci" }, false],
    ["debian", { "containers.bootc": "1" }, false],
    ["nothing", {}, false],
  ])("knows %s", (_, labels, restricted) => {
    expect(findRestriction({ labels, layers: [] }) !== undefined).toBe(restricted);
  });

  it("knows a base by one of its layers", () => {
    const rules = parseRedistributionRules(
      JSON.stringify([{ base: "ours", licence: "a contract", layers: [LAYER] }]),
      "rules",
    );
    expect(findRestriction({ labels: {}, layers: [LAYER] }, rules)?.base).toBe("ours");
    expect(findRestriction({ labels: {}, layers: [] }, rules)).toBeUndefined();
  });
});

describe("assertRedistributable", () => {
  const image = { labels: { "com.redhat.component": "rhel-bootc-container" }, layers: [] };

  it("refuses public registries only", () => {
    expect(() => assertRedistributable(image, "quay.io")).toThrow(expect.objectContaining({ code: "RESTRICTED" }));
    expect(() => assertRedistributable(image, "registry.example:5000")).not.toThrow();
    expect(() => assertRedistributable({ labels: {}, layers: [] }, "quay.io")).not.toThrow();
    expect(isPublicRegistry("notquay.io")).toBe(false);
  });
});

describe("parseRedistributionRules", () => {
  it("reads back its own rules", () => {
    expect(parseRedistributionRules(JSON.stringify(REDISTRIBUTION_RULES), "rules")).toEqual(REDISTRIBUTION_RULES);
  });
  it.each([
    "x",
    "{}",
    "[1]",
    '[{"base":"b","licence":"l"}]',
    '[{"base":"b","licence":"l","labels":{"a":"("}}]',
    '[{"base":"b","licence":"l","layers":["x"]}]',
    '[{"licence":"l","labels":{"a":"b"}}]',
  ])("refuses %s", (text) => {
    expect(() => parseRedistributionRules(text, "rules")).toThrow(expect.objectContaining({ code: "BAD_MANIFEST" }));
  });
});

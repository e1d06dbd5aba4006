import { describe, expect, it } from "vitest";
import { parsePlatform } from "../oci/index.ts";
import { parseContainerfile } from "./containerfile/index.ts";
import { type BuildPlan, planBuild, type PlanOptions } from "./plan.ts";

const AMD64 = parsePlatform("linux/amd64");

function plan(text: string, options: Partial<PlanOptions> = {}): BuildPlan {
  const containerfile = parseContainerfile(Buffer.from(text), "Containerfile");
  const usual = { given: new Map(), platform: AMD64, buildPlatform: AMD64, contexts: new Set<string>() };
  return planBuild(containerfile, { ...usual, ...options });
}

function stages(text: string, options?: Partial<PlanOptions>): string[] {
  return plan(text, options).stages.map(({ name }) => name);
}

describe("stages", () => {
  it.each([
    ["the last is the target", "FROM a\nFROM b\n", undefined, ["1"]],
    ["FROM a stage", "FROM x AS a\nFROM a AS b\n", undefined, ["a", "b"]],
    ["names in any case", "FROM x AS Base\nFROM BASE\n", undefined, ["base", "1"]],
    ["COPY --from a name", "FROM x AS a\nFROM y\nFROM z\nCOPY --from=a /1 /2\n", undefined, ["a", "2"]],
    ["COPY --from a number", "FROM x\nFROM y\nCOPY --from=0 /1 /2\n", undefined, ["0", "1"]],
    ["RUN --mount=from=", "FROM x AS a\nFROM y\nRUN --mount=type=bind,from=a,target=/m true\n", undefined, ["a", "1"]],
    ["through another stage", "FROM x AS a\nFROM a AS b\nFROM y\nCOPY --from=b /1 /2\n", undefined, ["a", "b", "2"]],
    ["a target by name", "FROM x AS a\nFROM a AS b\nFROM b\n", "B", ["a", "b"]],
    ["a target by number", "FROM x AS a\nFROM a AS b\nFROM b\n", "0", ["a"]],
    ["a name given twice means the last before", "FROM x AS a\nFROM y AS a\nFROM a\n", undefined, ["a", "2"]],
    ["a variable in --from", "FROM x AS a\nFROM y\nARG S=a\nCOPY --from=$S /1 /2\n", undefined, ["a", "1"]],
    [
      "a variable of the stage before in --from",
      "FROM x AS a\nFROM y AS b\nARG S=a\nFROM b\nCOPY --from=$S /1 /2\n",
      undefined,
      ["a", "b", "2"],
    ],
    [
      "the default of a stage before the value of all",
      "ARG S=b\nFROM x AS a\nFROM y AS b\nFROM z\nARG S=a\nCOPY --from=$S /1 /2\n",
      undefined,
      ["a", "2"],
    ],
  ])("%s", (_what, text, target, names) => {
    expect(stages(text, target === undefined ? {} : { target })).toEqual(names);
  });

  it("take what --build-arg says for the stage they copy from", () => {
    const text = "FROM x AS a\nFROM y AS b\nFROM z\nARG S=a\nCOPY --from=$S /1 /2\n";
    expect(stages(text, { given: new Map([["S", "b"]]) })).toEqual(["b", "2"]);
  });

  it.each([
    ["FROM x\nCOPY --from=later /1 /2\nFROM y AS later\n", /2:13: stage 0 cannot use stage "later"/],
    ["FROM x AS own\nCOPY --from=own /1 /2\n", /it is not built yet/],
    ["FROM x\nCOPY --from=7 /1 /2\n", /there is no such stage/],
    ["RUN true\nFROM x\n", /1:1: RUN stands before the first FROM/],
    ["ARG X\n", /has no FROM/],
    ["ARG X\nFROM $X\n", /2:1: FROM \$X names no image/],
  ])("refuse %j", (text, message) => {
    expect(() => plan(text)).toThrow(message);
  });

  it("are listed when the target is unknown", () => {
    expect(() => plan("FROM x AS a\nFROM y\n", { target: "c" })).toThrow(/it has the stages a, 1/);
  });
});

describe("FROM", () => {
  it.each([
    ["FROM scratch\n", { kind: "scratch" }],
    ["FROM debian:12\n", { kind: "image", reference: "debian:12" }],
    ["ARG V=12\nFROM debian:$V\n", { kind: "image", reference: "debian:12" }],
    ["ARG V\nFROM debian:${V:-13}\n", { kind: "image", reference: "debian:13" }],
    ["ARG V=${W:-9}\nFROM debian:$V\n", { kind: "image", reference: "debian:9" }],
    ["FROM i:$TARGETARCH\n", { kind: "image", reference: "i:amd64" }],
    ["ARG B=i:${TARGETARCH}\nFROM $B\n", { kind: "image", reference: "i:amd64" }],
    ["ARG TARGETARCH=own\nFROM i:$TARGETARCH\n", { kind: "image", reference: "i:own" }],
    ["ARG A=1 B=$A\nFROM i:$B\n", { kind: "image", reference: "i:1" }],
    ["FROM busybox AS busybox\n", { kind: "image", reference: "busybox" }],
    ["FROM later\nFROM y AS later\n", { kind: "image", reference: "later" }],
    ["FROM named\n", { kind: "context", name: "named" }],
  ])("%j", (text, base) => {
    expect(plan(text, { contexts: new Set(["named"]) }).all[0]?.base).toEqual(base);
  });

  it("takes the value of --build-arg for an ARG before it, not without one", () => {
    const given = new Map([["V", "13"]]);
    expect(plan("ARG V=12\nFROM d:$V\n", { given }).stages[0]?.base).toMatchObject({ reference: "d:13" });
    expect(plan("FROM d:x$V\n", { given }).stages[0]?.base).toMatchObject({ reference: "d:x" });
  });

  it("may be for another platform than the target", () => {
    const [stage] = plan("FROM --platform=$BUILDPLATFORM x\n", { platform: parsePlatform("linux/arm64") }).stages;
    expect(stage?.platform).toEqual(AMD64);
    expect(stage?.platformArguments.get("TARGETARCH")).toBe("arm64");
  });

  it.each([
    ["FROM --platform=$BUILDPLATFORM x\n", { BUILDPLATFORM: "linux/arm64" }],
    ["FROM --platform=linux/$TARGETARCH x\n", { TARGETARCH: "arm64" }],
    ["ARG BUILDPLATFORM=linux/arm64\nFROM --platform=$BUILDPLATFORM x\n", {}],
  ])("is for the platform that --build-arg or the file say: %j %j", (text, given) => {
    const [stage] = plan(text, { given: new Map(Object.entries(given)) }).stages;
    expect(stage?.platform).toEqual(parsePlatform("linux/arm64"));
  });
});

import { describe, expect, it } from "vitest";
import { declareArguments, platformArguments } from "../arguments.ts";
import { configJson, startConfig } from "../config.ts";
import { parseContainerfile, splitWords, type Variables } from "../containerfile/index.ts";
import { createdBy } from "../history.ts";
import type { JsonObject } from "../json.ts";
import type { Root } from "../root/index.ts";
import { expanderOf, type StageState, variablesOf } from "../state.ts";
import { parsePlatform } from "../../oci/index.ts";
import { applyMetadata } from "./metadata.ts";
import { workdir } from "./workdir.ts";

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const LINUX = parsePlatform("linux/amd64");

interface Result {
  readonly config: JsonObject;
  readonly state: StageState;
  readonly history: readonly string[];
}

/** Applies instructions to an image with this configuration. */
function build(lines: string, base: JsonObject = {}, given: ReadonlyMap<string, string> = new Map()): Result {
  const { instructions } = parseContainerfile(Buffer.from(`FROM x\n${lines}\n`), "Containerfile");
  let state: StageState = {
    base: { image: undefined, name: undefined, platform: {} },
    root: { layers: [] } as unknown as Root,
    config: startConfig(base).config,
    args: new Map(),
    author: undefined,
    hasOwnCmd: false,
    history: [],
  };
  const history: string[] = [];
  for (const instruction of instructions.slice(1)) {
    const before = state;
    const variables = variablesOf(before);
    if (instruction.kind === "ARG") {
      const sources = { given, platform: platformArguments(LINUX, LINUX), global: new Map([["GLOBAL", "g"]]) };
      const variablesAfter = (args: StageState["args"]): Variables => variablesOf({ ...before, args });
      state = { ...before, args: declareArguments(before.args, instruction, sources, variablesAfter, "\\") };
    } else if (instruction.kind === "WORKDIR") {
      state = { ...before, config: workdir(before.config, instruction, expanderOf(before, "\\")) };
    } else if (instruction.kind !== "FROM" && instruction.kind !== "RUN" && !("sources" in instruction)) {
      state = applyMetadata(before, instruction, expanderOf(before, "\\"), (text) => splitWords(text, variables));
    }
    history.push(createdBy(instruction, state));
  }
  return { config: configJson(state.config), state, history };
}

describe("instructions that change the configuration", () => {
  it.each<[string, JsonObject, JsonObject]>([
    ["ENV A=1 B=$A", {}, { Env: [PATH, "A=1", "B="] }],
    ["ENV A=1\nENV B=$A", {}, { Env: [PATH, "A=1", "B=1"] }],
    ["ENV A=2", { Env: ["PATH=/p", "A=1", "Z=9"] }, { Env: ["PATH=/p", "Z=9", "A=2"] }],
    ["ENV PATH=$PATH:/opt", { Env: ["PATH=/p"] }, { Env: ["PATH=/p:/opt"] }],
    ["ENV A old form  with blanks", {}, { Env: [PATH, "A=old form  with blanks"] }],
    ['LABEL b=2 "a b"="c d"', {}, { Labels: { "a b": "c d", b: "2" } }],
    ["LABEL a=2", { Labels: { a: "1", z: "9" } }, { Labels: { a: "2", z: "9" } }],
    ['CMD ["a", "b"]', {}, { Cmd: ["a", "b"] }],
    ["CMD a $b", {}, { Cmd: ["/bin/sh", "-c", "a $b"] }],
    ['SHELL ["/bin/bash", "-c"]\nCMD x', {}, { Cmd: ["/bin/bash", "-c", "x"], Shell: ["/bin/bash", "-c"] }],
    ['ENTRYPOINT ["e"]', { Cmd: ["old"] }, { Entrypoint: ["e"] }],
    ['CMD ["own"]\nENTRYPOINT ["e"]', { Cmd: ["old"] }, { Cmd: ["own"], Entrypoint: ["e"] }],
    ["ENTRYPOINT e", {}, { Entrypoint: ["/bin/sh", "-c", "e"] }],
    ["ENTRYPOINT []", { Entrypoint: ["e"] }, {}],
    ["EXPOSE 80 53/UDP", {}, { ExposedPorts: { "53/udp": {}, "80/tcp": {} } }],
    // The config knows single ports only.
    [
      "EXPOSE 80-82 81 7-8/udp",
      {},
      { ExposedPorts: { "7/udp": {}, "8/udp": {}, "80/tcp": {}, "81/tcp": {}, "82/tcp": {} } },
    ],
    ["ENV P='80 81'\nEXPOSE $P", {}, { Env: [PATH, "P=80 81"], ExposedPorts: { "80/tcp": {}, "81/tcp": {} } }],
    ["USER app:staff", {}, { User: "app:staff" }],
    ["WORKDIR /a\nWORKDIR b/\nWORKDIR ../c", {}, { WorkingDir: "/a/c" }],
    ["WORKDIR /", { WorkingDir: "/x" }, { WorkingDir: "/" }],
    ["WORKDIR sub", { WorkingDir: "/x" }, { WorkingDir: "/x/sub" }],
    ["WORKDIR /a/../b/./c//", {}, { WorkingDir: "/b/c" }],
    ["WORKDIR ../..", { WorkingDir: "/x" }, { WorkingDir: "/" }],
    ['VOLUME ["/b", "/a"]\nVOLUME /c /a', {}, { Volumes: { "/a": {}, "/b": {}, "/c": {} } }],
    ["STOPSIGNAL SIGRTMIN+3", {}, { StopSignal: "SIGRTMIN+3" }],
    ["HEALTHCHECK NONE", {}, { Healthcheck: { Test: ["NONE"] } }],
    [
      "HEALTHCHECK --interval=5s --timeout=1m --retries=3 CMD curl x",
      {},
      { Healthcheck: { Test: ["CMD-SHELL", "curl x"], Interval: 5e9, Timeout: 6e10, Retries: 3 } },
    ],
    // Whole nanoseconds, though 1.001 * 1000 is 1000.9999999999999.
    ["HEALTHCHECK --interval=1.001s CMD x", {}, { Healthcheck: { Test: ["CMD-SHELL", "x"], Interval: 1_001_000_000 } }],
    ['HEALTHCHECK CMD ["c"]', {}, { Healthcheck: { Test: ["CMD", "c"] } }],
    ["ONBUILD COPY . /src\nONBUILD RUN make", {}, { OnBuild: ["COPY . /src", "RUN make"] }],
    ["MAINTAINER me", { OnBuild: ["RUN x"], User: "u" }, { User: "u" }],
  ])("%j", (lines, base, wanted) => {
    expect(build(lines, base).config).toEqual({ Env: [PATH], ...wanted });
  });

  it.each([
    ["EXPOSE 70000", /cannot expose "70000"/],
    ["EXPOSE 90-80", /cannot expose/],
    ["STOPSIGNAL SIGNOPE", /it is no signal/],
    ["STOPSIGNAL 99", /it is no signal/],
    ["USER $NOBODY", /names nobody/],
    ["WORKDIR $NOWHERE", /names no directory/],
  ])("refuses %j", (lines, message) => {
    expect(() => build(lines)).toThrow(message);
  });

  it("exposes all ports at once", () => {
    const { config } = build(`EXPOSE 0-65535 1-65535\n${"EXPOSE 0-65535\n".repeat(3)}`);
    expect(Object.keys(config["ExposedPorts"] as JsonObject)).toHaveLength(65_536);
  });

  it("keeps the author", () => {
    expect(build("MAINTAINER me <me@example.org>").state.author).toBe("me <me@example.org>");
  });
});

describe("ARG", () => {
  it.each<[string, Record<string, string>, Record<string, string>]>([
    ["ARG A=1", {}, { A: "1" }],
    ["ARG A=1", { A: "2" }, { A: "2" }],
    ["ARG A", {}, {}],
    ["ARG A", { A: "" }, { A: "" }],
    ["ARG GLOBAL", {}, { GLOBAL: "g" }],
    ["ARG GLOBAL=own", {}, { GLOBAL: "own" }],
    ["ARG TARGETARCH", {}, { TARGETARCH: "amd64" }],
    ["ENV E=1\nARG A=${E}x", {}, { A: "1x" }],
    ["ARG A=1 B=2", {}, { A: "1", B: "2" }],
    ["ARG A=1 B=$A", {}, { A: "1", B: "1" }],
    ["ARG A=1 B=$A", { A: "2" }, { A: "2", B: "2" }],
    ["ENV A=e\nARG A=1 B=$A", {}, { A: "1", B: "e" }],
    ["ARG TARGETARCH=foo", {}, { TARGETARCH: "foo" }],
    ["ARG TARGETARCH=foo", { TARGETARCH: "bar" }, { TARGETARCH: "bar" }],
    ["ARG TARGETPLATFORM=linux/s390x BUILDPLATFORM=x", {}, { TARGETPLATFORM: "linux/s390x", BUILDPLATFORM: "x" }],
  ])("%j with %j", (lines, given, wanted) => {
    expect(Object.fromEntries(build(lines, {}, new Map(Object.entries(given))).state.args)).toEqual(wanted);
  });

  it("yields to ENV", () => {
    expect(build("ARG A=1\nENV A=2\nLABEL l=$A").config["Labels"]).toEqual({ l: "2" });
  });
});

describe("history", () => {
  it.each([
    ["ENV A=1  B=2", "/bin/sh -c #(nop) ENV A=1  B=2"],
    ["ARG B=2 A=1", "/bin/sh -c #(nop) ARG A B"],
    ['CMD ["a"]', '/bin/sh -c #(nop) CMD ["a"]'],
    ["RUN make \\\n  all", "/bin/sh -c make   all"],
    ["RUN <<E\necho 1\necho 2\nE", "/bin/sh -c <<E\necho 1\necho 2"],
    ["COPY a b /dest/", "/bin/sh -c #(nop) COPY  in /dest/ "],
  ])("of %j", (lines, line) => {
    expect(build(lines).history.at(-1)).toBe(line);
  });

  it("of RUN tells the arguments as ENV overrides them", () => {
    expect(build("ARG B=2\nARG A=1\nENV A=3\nRUN x").history.at(-1)).toBe("|2 A=3 B=2 /bin/sh -c x");
  });
});

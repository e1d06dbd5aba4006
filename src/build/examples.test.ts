import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Containerfile, type Instruction, parseContainerfile } from "./containerfile/index.ts";
import { planBuild } from "./plan.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");
const LINUX = { os: "linux", architecture: "arm64" };

interface Example {
  readonly name: string;
  readonly folder: string;
  readonly containerfile: Containerfile;
  readonly readme: string;
}

const examples: Example[] = readdirSync(EXAMPLES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => {
    const folder = join(EXAMPLES, name);
    const path = join(folder, "Containerfile");
    return {
      name,
      folder,
      containerfile: parseContainerfile(readFileSync(path), path),
      readme: readFileSync(join(folder, "README.md"), "utf8"),
    };
  });

function given(readme: string, option: string): string[] {
  return [...readme.matchAll(new RegExp(`--${option} (?:id=)?([\\w-]+)`, "g"))]
    .map(([, name]) => name as string)
    .sort();
}

function secretsOf(instructions: readonly Instruction[]): string[] {
  const mounts = instructions.flatMap((each) => (each.kind === "RUN" ? each.mounts : []));
  const secrets = mounts.filter(({ type }) => type === "secret");
  return secrets.map(({ options }) => options.get("id")?.text ?? "").sort();
}

describe("the examples", () => {
  it("are four", () => {
    expect(examples.map(({ name }) => name).sort()).toEqual(["dpu", "edge-node", "microshift", "web-server-debian"]);
  });

  it.each(examples)("$name can be planned", ({ containerfile }) => {
    const options = { given: new Map(), platform: LINUX, buildPlatform: LINUX, contexts: new Set<string>() };
    const { stages } = planBuild(containerfile, options);
    expect(stages).toHaveLength(1);
    expect(stages[0]?.base).toMatchObject({ kind: "image", reference: expect.stringMatching(/^[\w.-]+\/.+:[\w.-]+$/) });
  });

  it.each(examples)("$name has a README with a command that gives what its steps want", ({ readme, containerfile }) => {
    const { instructions } = containerfile;
    expect(readme.trim().split("\n").length).toBeLessThanOrEqual(17);
    expect(readme).toMatch(/^slipway build /m);
    expect(given(readme, "secret")).toEqual(secretsOf(instructions));
    const declared = instructions.flatMap((each) => (each.kind === "ARG" ? each.args.map(({ name }) => name) : []));
    expect(declared).toEqual(expect.arrayContaining(given(readme, "build-arg")));
    // A comment after a continued line would be an argument.
    expect(readme).not.toMatch(/\\[ \t]+\S/);
  });

  it.each(examples)("$name copies only what is there, and no secrets", ({ folder, containerfile }) => {
    for (const instruction of containerfile.instructions) {
      if (instruction.kind !== "COPY") continue;
      for (const source of instruction.sources) {
        if (!("text" in source)) continue;
        expect(source.text).not.toMatch(/^\/?etc\b|\.pem|secret/);
        expect(existsSync(join(folder, source.text.replace("${DPU_FLAVOR}", "agnostic")))).toBe(true);
      }
    }
  });
});

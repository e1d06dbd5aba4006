import { describe, expect, it } from "vitest";
import { parseContainerfile } from "./containerfile/index.ts";
import { outlineSecrets, outlineStages } from "./outline.ts";
import { planBuild, type Stage } from "./plan.ts";

const LINUX = { os: "linux", architecture: "amd64" };

function stagesOf(...lines: string[]): readonly Stage[] {
  const containerfile = parseContainerfile(Buffer.from(lines.join("\n")), "Containerfile");
  const contexts = new Set(["src"]);
  return planBuild(containerfile, { given: new Map(), platform: LINUX, buildPlatform: LINUX, contexts }).stages;
}

describe("outlineStages", () => {
  it("names bases, steps and mounts", () => {
    const stages = stagesOf(
      "ARG TAG=1",
      "FROM example.com/a:$TAG AS one",
      "RUN --mount=type=cache,target=/var/cache/apt --mount=type=secret,id=token --mount=type=ssh \\",
      "    make",
      "FROM one",
      "COPY --from=src . /",
      "FROM scratch",
      "COPY --from=1 / /",
    );
    expect(outlineStages(stages)).toEqual([
      {
        name: "one",
        base: "image example.com/a:1",
        steps: [
          { text: "FROM example.com/a:$TAG AS one", mounts: [] },
          {
            text: "RUN --mount=type=cache,target=/var/cache/apt --mount=type=secret,id=token --mount=type=ssh make",
            mounts: ["cache /var/cache/apt", "secret token", "ssh default"],
          },
        ],
      },
      {
        name: "1",
        base: "stage one",
        steps: [
          { text: "FROM one", mounts: [] },
          { text: "COPY --from=src . /", mounts: [] },
        ],
      },
      {
        name: "2",
        base: "scratch",
        steps: [
          { text: "FROM scratch", mounts: [] },
          { text: "COPY --from=1 / /", mounts: [] },
        ],
      },
    ]);
  });
});

describe("outlineSecrets", () => {
  it("says which secrets are wanted, required and given", () => {
    const stages = stagesOf(
      "FROM scratch",
      "RUN --mount=type=secret,id=b,required a",
      "RUN --mount=type=secret,id=b --mount=type=secret,target=/etc/a --mount=type=secret,id=c,required=false b",
    );
    expect(outlineSecrets(stages, [{ id: "a" }, { id: "unused" }])).toEqual([
      { id: "a", isRequired: false, isGiven: true },
      { id: "b", isRequired: true, isGiven: false },
      { id: "c", isRequired: false, isGiven: false },
    ]);
  });
});

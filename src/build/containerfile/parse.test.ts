import { describe, expect, it } from "vitest";
import type { Copy, Healthcheck, Instruction, Run } from "./instruction.ts";
import { parseContainerfile, parseInstruction } from "./parse.ts";
import { runScript } from "./run-script.ts";

const parse = (text: string): ReturnType<typeof parseContainerfile> => parseContainerfile(Buffer.from(text), "C");
const all = (text: string): readonly Instruction[] => parse(text).instructions;
const one = (text: string): Instruction => parseInstruction(text, "C");

/** An instruction in short: words without their places. */
function brief(instruction: Instruction): unknown {
  const { at: _at, text: _text, ...rest } = instruction;
  const plain = (value: unknown): unknown => {
    if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]));
    if (Array.isArray(value)) return value.map(plain);
    if (typeof value !== "object" || value === null) return value;
    const { at: _place, ...members } = value as Record<string, unknown>;
    const entries = Object.entries(members).map(([key, inner]) => [key, plain(inner)] as const);
    return entries.length === 1 && entries[0]?.[0] === "text" ? entries[0][1] : Object.fromEntries(entries);
  };
  return plain(rest);
}

describe("each instruction", () => {
  it.each<[string, object]>([
    ["FROM debian", { kind: "FROM", image: "debian" }],
    ["FROM debian:13 AS Base", { kind: "FROM", image: "debian:13", alias: "base" }],
    ["from --platform=$P x as b-1_2.3", { kind: "FROM", image: "x", alias: "b-1_2.3", platform: "$P" }],
    ["ARG A", { kind: "ARG", args: [{ name: "A" }] }],
    [
      "ARG A=1 B C='x y'",
      { kind: "ARG", args: [{ name: "A", value: "1" }, { name: "B" }, { name: "C", value: "'x y'" }] },
    ],
    ['ARG "A=x y"', { kind: "ARG", args: [{ name: "A", value: '"x y"' }] }],
    ["ARG A=", { kind: "ARG", args: [{ name: "A", value: "" }] }],
    [
      'ENV A=1 B="x y" C=a\\ b',
      {
        kind: "ENV",
        pairs: [
          { key: "A", value: "1" },
          { key: "B", value: '"x y"' },
          { key: "C", value: "a\\ b" },
        ],
      },
    ],
    ["ENV A some words = here", { kind: "ENV", pairs: [{ key: "A", value: "some words = here" }] }],
    [
      "LABEL a.b='x' \"c d\"=e",
      {
        kind: "LABEL",
        pairs: [
          { key: "a.b", value: "'x'" },
          { key: '"c d"', value: "e" },
        ],
      },
    ],
    ["LABEL a b c", { kind: "LABEL", pairs: [{ key: "a", value: "b c" }] }],
    ['CMD ["a", "b c"]', { kind: "CMD", command: { form: "exec", argv: ["a", "b c"] } }],
    ["CMD []", { kind: "CMD", command: { form: "exec", argv: [] } }],
    ['CMD ["a"] b', { kind: "CMD", command: { form: "shell", script: '["a"] b' } }],
    ["CMD ['a']", { kind: "CMD", command: { form: "shell", script: "['a']" } }],
    ["ENTRYPOINT exec  top -b ", { kind: "ENTRYPOINT", command: { form: "shell", script: "exec  top -b" } }],
    ['SHELL ["/bin/bash", "-c"]', { kind: "SHELL", argv: ["/bin/bash", "-c"] }],
    ["EXPOSE 80 443/tcp $P", { kind: "EXPOSE", ports: ["80", "443/tcp", "$P"] }],
    ["USER me:$GROUP", { kind: "USER", user: "me:$GROUP" }],
    ["WORKDIR /a b", { kind: "WORKDIR", path: "/a b" }],
    ["VOLUME /a /b", { kind: "VOLUME", paths: ["/a", "/b"] }],
    ['VOLUME ["/a b"]', { kind: "VOLUME", paths: ["/a b"] }],
    ["STOPSIGNAL SIGINT", { kind: "STOPSIGNAL", signal: "SIGINT" }],
    ["MAINTAINER A <a@b>", { kind: "MAINTAINER", name: "A <a@b>" }],
    ["HEALTHCHECK NONE", { kind: "HEALTHCHECK", check: "none" }],
    ["run\techo a", { kind: "RUN", command: { form: "shell", script: "echo a" }, heredocs: [], mounts: [] }],
    [
      "RUN [[ -f x ]] && y",
      { kind: "RUN", command: { form: "shell", script: "[[ -f x ]] && y" }, heredocs: [], mounts: [] },
    ],
    ["RUN -- --odd", { kind: "RUN", command: { form: "shell", script: "--odd" }, heredocs: [], mounts: [] }],
    [
      "RUN echo # no comment",
      { kind: "RUN", command: { form: "shell", script: "echo # no comment" }, heredocs: [], mounts: [] },
    ],
  ])("%j", (text, expected) => {
    expect(brief(one(text))).toEqual(expected);
  });

  it("HEALTHCHECK has durations as Go has them", () => {
    const check = (text: string): unknown => (one(text) as Healthcheck).check;
    expect(
      check(
        "HEALTHCHECK --interval=1h2m3.5s --timeout=90s --start-period=0 --start-interval=1.5ms --retries=3 CMD x y",
      ),
    ).toEqual({
      command: { form: "shell", script: "x y" },
      intervalMs: 3_723_500,
      timeoutMs: 90_000,
      startIntervalMs: 1.5,
      retries: 3,
    });
    expect(check('HEALTHCHECK cmd ["x"]')).toEqual({ command: { form: "exec", argv: ["x"] } });
  });

  it("COPY and ADD have their flags", () => {
    const copy = one(
      "COPY --from=b --chown='$U:0' --chmod=755 --link --parents=true --exclude=*.o --exclude=.git a b/ /dst/",
    );
    expect(brief(copy)).toEqual({
      kind: "COPY",
      sources: ["a", "b/"],
      destination: "/dst/",
      from: "b",
      chown: "$U:0",
      chmod: "755",
      link: true,
      parents: true,
      exclude: ["*.o", ".git"],
      keepGitDir: false,
    });
    const add = one('ADD --checksum=sha256:0 --keep-git-dir --unpack=false --link=false ["a b", "/d"]');
    expect(brief(add)).toEqual({
      kind: "ADD",
      sources: ["a b"],
      destination: "/d",
      checksum: "sha256:0",
      link: false,
      parents: false,
      exclude: [],
      keepGitDir: true,
      unpack: false,
    });
  });

  it("RUN has mounts, a network and a security", () => {
    const text =
      "RUN --mount=type=cache,dst=/c,sharing=locked,RW --mount=from=b,src=$S,target=/t,z " +
      `--mount='type=secret,"id=a,b"',required --network=none --security=insecure ls`;
    expect(brief(one(text))).toMatchObject({
      mounts: [
        { type: "cache", options: { target: "/c", sharing: "locked", readwrite: "true" } },
        { type: "bind", options: { from: "b", source: "$S", target: "/t", z: "true" } },
        { type: "secret", options: { id: "a,b", required: "true" } },
      ],
      network: "none",
      security: "insecure",
    });
  });

  it("ONBUILD has an instruction, and its text for the configuration", () => {
    expect(brief(one("ONBUILD  copy . /src"))).toMatchObject({ instruction: { kind: "COPY" }, source: "copy . /src" });
    const [trigger] = all("ONBUILD RUN <<A cat; \\\n  <<-B cat\n1\nA\n\t2\n\tB\n");
    const source = "RUN <<A cat;   <<-B cat\n1\nA\n2\nB";
    expect(trigger).toMatchObject({ source, instruction: { heredocs: [{ content: "1\n" }, { content: "2\n" }] } });
    expect(one(source)).toMatchObject({ kind: "RUN", heredocs: [{ content: "1\n" }, { content: "2\n" }] });
  });
});

describe("lines", () => {
  it("are joined by a last backslash; comments and empty lines between are not there", () => {
    const text = "RUN a \\  \n  # comment\n\n  b \\\n# another\n&& c\nRUN d";
    expect(all(text).map((each) => each.text)).toEqual(["RUN a   b && c", "RUN d"]);
  });

  it("are not joined by an escaped backslash", () => {
    expect(all("RUN a \\\\\nRUN b").map((each) => each.text)).toEqual(["RUN a \\\\", "RUN b"]);
  });

  it("may end with CRLF, the file with a continuation, and begin with a byte order mark", () => {
    const text = "\ufeff# escape=\\\r\nRUN a \\\r\n  b\r\n\r\nCOPY <<E /x\r\n1\r\nE\r\nRUN c \\\r\n";
    expect(all(text).map((each) => each.text)).toEqual(["RUN a   b", "COPY <<E /x", "RUN c"]);
    expect((all(text)[1] as Copy).sources).toMatchObject([{ content: "1\n" }]);
  });

  it("know where their words came from", () => {
    const [run] = all("# x\n\n  COPY \\\n\n   --chown=me \\\n  a /b") as [Copy];
    expect(run.at).toEqual({ line: 3, column: 3 });
    expect(run.chown?.at).toEqual({ line: 5, column: 12 });
    expect(run.destination.at).toEqual({ line: 6, column: 5 });
    const [json] = all('COPY ["a\\"b", "c"]') as [Copy];
    expect(json.destination.at).toEqual({ line: 1, column: 16 });
  });
});

describe("directives", () => {
  it.each<[string, object]>([
    ["# syntax=docker/dockerfile:1\n# escape=`\nFROM x", { syntax: "docker/dockerfile:1", escape: "`" }],
    ["#ESCAPE = ` \n# check=skip=all;error=true\nFROM x", { escape: "`", check: "skip=all;error=true" }],
    ["# a comment\n# escape=`\nFROM x", { escape: "\\" }],
    ["# unknown=1\n# escape=`\nFROM x", { escape: "\\" }],
    ["\n# escape=`\nFROM x", { escape: "\\" }],
    ["FROM x\n# escape=`\n", { escape: "\\" }],
  ])("%j", (text, expected) => {
    expect(parse(text).directives).toEqual(expected);
  });

  it("the escape character joins lines and protects blanks", () => {
    const [, env] = all("# escape=`\nRUN dir C:\\ `\n /s\nENV A=b` c D=\\");
    expect(brief(env as Instruction)).toMatchObject({ pairs: [{ value: "b` c" }, { value: "\\" }] });
  });
});

describe("heredocs", () => {
  const heredocs = (text: string): unknown => (one(text) as Run).heredocs.map(({ at: _at, ...rest }) => rest);

  it.each<[string, object[]]>([
    ["RUN cat <<E\n# a\n\n\\\nE", [{ name: "E", content: "# a\n\n\\\n", expand: true }]],
    [
      "RUN cat <<'E' <<\"F\"\n1\nE\n2\nF",
      [
        { name: "E", content: "1\n", expand: false },
        { name: "F", content: "2\n", expand: false },
      ],
    ],
    ["RUN cat <<-E\n\t\tone\n\t two\n\tE", [{ name: "E", content: "one\n two\n", expand: true }]],
    ["RUN 3<<E cat\nE", [{ name: "E", content: "", expand: true }]],
    ["RUN cat << E\nE", [{ name: "E", content: "", expand: true }]],
    ["RUN cat <<<E", []],
    ["RUN echo $((1<<2))", []],
    ["RUN echo '<<E'", []],
    ['RUN echo "a <<E', []],
    ['RUN ["cat", "<<E"]', []],
    ["CMD cat <<E", []],
  ])("%j", (text, expected) => {
    if (text.startsWith("CMD")) expect(brief(one(text))).toMatchObject({ command: { script: "cat <<E" } });
    else expect(heredocs(text)).toEqual(expected);
  });

  it("are sources of COPY, in order, beside files", () => {
    const { sources, destination } = one("COPY <<a f <<'b' /d/\n1\na\n2\nb") as Copy;
    expect(sources).toMatchObject([{ name: "a", content: "1\n" }, { text: "f" }, { name: "b", content: "2\n" }]);
    expect(destination.text).toBe("/d/");
  });

  it.each<[string, object | undefined]>([
    ["RUN a", { script: "a", isProgram: false }],
    ["RUN <<E\na\nb\nE", { script: "a\nb\n", isProgram: false }],
    ["RUN <<-'E'\n\t#!/bin/x\n\ta\nE", { script: "#!/bin/x\na\n", isProgram: true }],
    ["RUN <<E sh\na\nE", { script: "<<E sh\na\nE", isProgram: false }],
    ["RUN <<A cat && <<B cat\n1\nA\n2\nB", { script: "<<A cat && <<B cat\n1\nA\n2\nB", isProgram: false }],
    ['RUN ["a"]', undefined],
  ])("give a shell its script: %j", (text, expected) => {
    expect(runScript(one(text) as Run)).toEqual(expected);
  });
});

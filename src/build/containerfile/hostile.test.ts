// Whatever comes in: instructions or a BuildError, and soon.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BuildError } from "../error.ts";
import { expandHeredoc, expandWord, splitWords } from "./expansion.ts";
import type { Containerfile } from "./instruction.ts";
import { parseIgnoreFile } from "./ignore.ts";
import { located } from "./location.ts";
import { parseContainerfile } from "./parse.ts";
import { compilePattern } from "./pattern.ts";
import { warningsOf } from "./warnings.ts";

const SAMPLE = `# syntax=docker/dockerfile:1
# escape=\\
ARG VERSION=13 TOKEN="a b"
FROM --platform=$BUILDPLATFORM debian:\${VERSION%.*} AS base
ENV A=1 B="x y" \\
    # comment

    C='z'
ENV OLD a value
RUN --mount=type=cache,target=/c,sharing=locked --mount='type=secret,"id=k,l"' --network=none \\
    cat <<ONE <<-'TWO' > /x && \\
    echo "\${A:-\${B:+x}}"
one $A
ONE
	two
	TWO
COPY --from=base --chown=1:1 --chmod=644 --exclude=*.o ["a b", "c", "/d/"]
ADD --checksum=sha256:00 <<EOF https://example.org/x /y/
\${A//x/y}
EOF
ONBUILD COPY . /src
HEALTHCHECK --interval=1m30s --retries=3 CMD ["curl", "-f", "x"]
SHELL ["/bin/bash", "-c"]
EXPOSE 80 443/tcp
VOLUME ["/v"]
LABEL a.b=c "d"='e'
USER a:b
WORKDIR /w $A
STOPSIGNAL SIGTERM
ENTRYPOINT top -b
CMD []
`;

/** Parses, and expands each word of what was parsed; BuildErrors are what may be thrown. */
function take(bytes: Uint8Array): "parsed" | "refused" {
  return allowed(() => {
    const file = parseContainerfile(bytes, "C");
    for (const { at, message } of warningsOf(file)) located(file, at, message);
    expandAll(file, file);
  });
}

function expandAll(value: unknown, file: Containerfile): void {
  if (typeof value !== "object" || value === null) return;
  const { text, content } = value as { readonly text?: string; readonly content?: string };
  const variables = (name: string): string | undefined => (name === "A" ? "a/b.c" : undefined);
  if (typeof content === "string") allowed(() => expandHeredoc(value as never, variables));
  else if (typeof text === "string") {
    allowed(() => expandWord(text, variables, file.directives));
    allowed(() => splitWords(text, variables, file.directives));
    allowed(() => compilePattern(text)("a/b"));
  }
  for (const inner of value instanceof Map ? value.values() : Object.values(value)) expandAll(inner, file);
}

function allowed(action: () => unknown): "parsed" | "refused" {
  try {
    action();
    return "parsed";
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    expect(error.message).not.toBe("");
    return "refused";
  }
}

const options = { seed: 3, numRuns: 300, interruptAfterTimeLimit: 2500 };

describe("hostile Containerfiles", () => {
  it("the sample is sound", () => {
    expect(take(Buffer.from(SAMPLE))).toBe("parsed");
  });

  it("may be cut anywhere", () => {
    const bytes = Buffer.from(SAMPLE);
    for (let end = 0; end < bytes.length; end += 3) take(bytes.subarray(0, end));
  });

  it("may be damaged anywhere", () => {
    const bytes = Buffer.from(SAMPLE);
    const piece = fc.constantFrom(
      "\\",
      '"',
      "'",
      "$",
      "${",
      "}",
      "<<",
      "<<-E",
      "\n",
      "\0",
      "\t",
      "--",
      "=",
      ",",
      "[",
      "]",
      "#",
      "\r\n",
      "é",
      "\ufeff",
    );
    const edit = fc.tuple(fc.nat(bytes.length), fc.nat(3), fc.oneof(piece, fc.string({ maxLength: 4 })));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 5 }), (edits) => {
        let damaged: Buffer = bytes;
        for (const [at, drop, put] of edits)
          damaged = Buffer.concat([damaged.subarray(0, at), Buffer.from(put), damaged.subarray(at + drop)]);
        take(damaged);
      }),
      options,
    );
  });

  it("may be any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void take(bytes)),
      options,
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void allowed(() => parseIgnoreFile(bytes, "I"))),
      options,
    );
  });

  it("a word means the same before and after a continuation", () => {
    const word = fc.stringMatching(/^[a-z0-9/._]{1,8}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 2, maxLength: 6 }), (words) => {
        const sources = (separator: string): unknown =>
          parseContainerfile(Buffer.from(`COPY ${words.join(separator)}`), "C").instructions.map((each) =>
            each.kind === "COPY"
              ? [...each.sources, each.destination].map((source) => ("text" in source ? source.text : ""))
              : [],
          );
        expect(sources(" \\\n# x\n\n")).toEqual(sources(" "));
        expect(sources(" ")).toEqual([words]);
      }),
      options,
    );
  });
});

describe("large Containerfiles", () => {
  /** Of this thread's processor time, so that what runs beside it does not count. */
  const milliseconds = (text: string): number => {
    const bytes = Buffer.from(text);
    const times = Array.from({ length: 4 }, () => {
      const start = process.threadCpuUsage();
      allowed(() => parseContainerfile(bytes, "C"));
      const { user, system } = process.threadCpuUsage(start);
      return (user + system) / 1000;
    });
    return Math.min(...times);
  };

  it("10,000 lines are read in less than 100 ms", () => {
    const lines = SAMPLE.split("\n").slice(2, -1);
    const text = `${lines.join("\n")}\n`.repeat(Math.ceil(10_000 / lines.length));
    expect(parseContainerfile(Buffer.from(text), "C").lines.length).toBeGreaterThanOrEqual(10_000);
    expect(milliseconds(text)).toBeLessThan(100);
  });

  it.each<[string, string]>([
    ["blanks", `FROM x\nRUN a${" ".repeat(200_000)}b`],
    ["escapes", `FROM x\nRUN ${"\\ ".repeat(100_000)}x`],
    ["continuations", `FROM x\nENV ${"a=b \\\n".repeat(20_000)}`],
    ["heredocs", `FROM x\nRUN ${"<<E ".repeat(900)}\n${"x\nE\n".repeat(900)}`],
    ["quotes", `FROM x\nLABEL ${"'\"".repeat(50_000)}=1`],
    ["lists in lists", `FROM x\nCMD ${"[".repeat(200_000)}`],
    ["strings", `FROM x\nCMD [${'"a\\"",'.repeat(20_000)}"b"]`],
    ["mounts", `FROM x\nRUN --mount=type=bind,${"a,".repeat(20_000)}x y`],
    ["substitutions", `FROM x\nENV a=${"${A:-".repeat(20_000)}`],
    ["directives", "# syntax= x".repeat(10_000)],
    ["returns", `FROM x\nRUN a${"\r".repeat(200_000)}b`],
    ["one long name", `FROM x\n${"R".repeat(200_000)} x`],
  ])("%s do not hold it up", (_, text) => {
    expect(milliseconds(text)).toBeLessThan(500);
  });

  it("are refused beyond the caps", () => {
    expect(() => parseContainerfile(Buffer.alloc(16 * 1024 ** 2 + 1, "a"), "C")).toThrow("at most 16777216 are read");
    expect(() => parseContainerfile(Buffer.alloc(600_000, "\n"), "C")).toThrow("more than 500000 lines");
    expect(() => parseContainerfile(Buffer.from(`RUN ${"<<E ".repeat(1001)}`), "C")).toThrow("more than 1000 heredocs");
  });
});

import { describe, expect, it } from "vitest";
import { BuildError } from "../error.ts";
import { parseContainerfile, parseInstruction } from "./parse.ts";

const parse = (text: string): ReturnType<typeof parseContainerfile> => parseContainerfile(Buffer.from(text), "C");

describe("what is refused", () => {
  const refusal = (text: string): { at: string; found: string; hint: string | undefined } => {
    try {
      parse(text);
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      const [, at = "", found = ""] = /^C:(\d+:\d+): (.*)/.exec(error.message) ?? ["", "", error.message];
      return { at, found, hint: error.hint };
    }
    throw new Error("it is accepted");
  };

  it.each<[string, string, string, string?]>([
    ["FROM x\nRUNN ls", "2:1", 'there is no instruction "RUNN"', "Did you mean RUN?"],
    ["FORM x", "1:1", 'there is no instruction "FORM"', "Did you mean FROM?"],
    ["  echo x", "1:3", 'there is no instruction "ECHO"'],
    ["COPY --form=x a b", "1:6", "COPY has no flag --form", "Did you mean --from?"],
    ["ADD --from=x a b", "1:5", "ADD has no flag --from"],
    ["USER --x y", "1:6", "USER has no flag --x", "USER has no flags"],
    ["COPY --link=maybe a b", "1:6", "--link needs true or false"],
    ["COPY --chown a b", "1:6", "--chown needs a value", "Write --chown=VALUE"],
    ["COPY --chown=1 \\\n  --chown=2 a b", "2:3", "--chown is given twice"],
    ["COPY a", "1:6", "COPY has a source and no destination"],
    ['COPY ["a"]', "1:8", "COPY has a source and no destination"],
    ["COPY a <<E\nE", "1:8", "a heredoc cannot be the destination"],
    ["COPY << E /x\nE", "1:6", "the name of this heredoc has blanks in or before it"],
    ["RUN cat <<EOF\na\n", "1:9", 'the heredoc "EOF" does not end', "Write EOF on a line of its own"],
    ["RUN", "1:1", "RUN needs a command"],
    ["RUN []", "1:5", "the JSON array of RUN is empty"],
    ['CMD ["a", 1]', "1:5", "the JSON array of CMD holds something that is no string"],
    ["SHELL /bin/sh -c", "1:7", "SHELL wants a JSON array with a program"],
    ["ENV A", "1:5", "ENV A has no value"],
    ["ENV A=1 B", "1:9", '"B" is no NAME=VALUE'],
    ["LABEL =1", "1:7", "a name of LABEL is empty"],
    ["ARG a'b", "1:5", '"a\'b" is no name for an argument'],
    ["FROM a b", "1:8", "FROM takes an image and, after AS, a name"],
    ["FROM a AS", "1:8", "no name follows AS"],
    ["FROM a AS 1b", "1:11", '"1b" is no name for a stage'],
    ["VOLUME []", "1:8", "VOLUME has an empty path"],
    ["ONBUILD FROM x", "1:9", "FROM cannot be a trigger of ONBUILD"],
    ["ONBUILD onbuild RUN x", "1:9", "ONBUILD cannot be a trigger of ONBUILD"],
    ["ONBUILD MAINTAINER x", "1:9", "MAINTAINER cannot be a trigger of ONBUILD"],
    ["ONBUILD RUNN x", "1:9", 'there is no instruction "RUNN"', "Did you mean RUN?"],
    ["HEALTHCHECK --interval=1 CMD x", "1:24", '--interval is "1", wanted is a duration of 1ms or more'],
    ["HEALTHCHECK --timeout=-1s CMD x", "1:23", '--timeout is "-1s", wanted is a duration of 1ms or more'],
    ["HEALTHCHECK --retries=-1 CMD x", "1:23", '--retries is "-1", wanted is a number'],
    ["HEALTHCHECK CMD", "1:13", "HEALTHCHECK CMD has no command"],
    ["HEALTHCHECK curl x", "1:13", 'HEALTHCHECK has no form "curl"'],
    ["HEALTHCHECK NONE x", "1:18", "HEALTHCHECK NONE takes nothing more"],
    ["RUN --mount=type=cahce x", "1:18", 'there is no mount of type "cahce"', "Did you mean cache?"],
    [
      "RUN --mount=type=cache,taget=/x y",
      "1:24",
      'a mount of type cache has no option "taget"',
      "Did you mean target?",
    ],
    ["RUN --mount=type=cache,target y", "1:24", "the option target of a mount needs a value"],
    [
      "RUN --mount=type=cache,sharing=no,dst=/ y",
      "1:32",
      'sharing of a mount is "no", wanted is shared, private or locked',
    ],
    ["RUN --mount=type=cache,dst=a,target=b y", "1:30", "the option target is given twice"],
    ["RUN --mount=type=secret y", "1:13", "a mount of type secret does not say which"],
    ["RUN --network=hots y", "1:15", '--network is "hots"', "Did you mean host?"],
    ["# escape=x\nFROM y", "1:10", 'the escape character is "x"', "Use a backslash or a backtick"],
    ["# escape=`\n# escape=`\nFROM y", "2:1", "the directive escape stands here a second time"],
    ["FROM x\0", "1:7", "a NUL byte is no text"],
  ])("%j", (text, at, found, hint) => {
    expect(refusal(text)).toMatchObject({ at, found, ...(hint === undefined ? {} : { hint }) });
  });

  it("a file without an instruction, or in another encoding", () => {
    for (const text of ["", "\n", "# x\n", "\\\n"]) expect(() => parse(text)).toThrow("there is no instruction in it");
    const latin1 = Buffer.from("FROM x\nLABEL a=\xe9", "latin1");
    expect(() => parseContainerfile(latin1, "C")).toThrow("C:2:9: this is not UTF-8");
  });

  it("more than one instruction where one is wanted", () => {
    expect(() => parseInstruction("RUN a\nRUN b", "C")).toThrow("C:2:1: one instruction is wanted here, not two");
  });

  it("shows the line with a caret below the place, and nothing that a terminal obeys", () => {
    const message = (text: string): string => {
      try {
        parse(text);
      } catch (error) {
        return (error as BuildError).message;
      }
      return "";
    };
    expect(message("FROM x\nCOPY\t--fro=x a b")).toBe(
      "C:2:6: COPY has no flag --fro\n  2 | COPY --fro=x a b\n           ^",
    );
    expect(message("FROM x\n\u001b[31mRED")).not.toContain("\u001b");
    const long = message(`COPY ${"a".repeat(500)} --x=<<E`);
    expect(long).toBe("");
    const [, shown = "", caret = ""] = message(`COPY ${"a ".repeat(500)}<<E\nE`).split("\n");
    expect(shown.length).toBeLessThan(140);
    expect(shown.slice(caret.length - 1)).toMatch(/^<<E/);
  });
});

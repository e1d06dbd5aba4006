import { describe, expect, it } from "vitest";
import { parseContainerfile } from "./parse.ts";
import { soundsSecret, warningsOf } from "./warnings.ts";

const warnings = (text: string): string[] =>
  warningsOf(parseContainerfile(Buffer.from(text), "C")).map(({ at, message }) => `${at.line}:${at.column} ${message}`);

describe("warnings", () => {
  it.each<[string, string]>([
    [
      "ARG DB_PASSWORD",
      "1:1 the value of ARG DB_PASSWORD stays in the image's history: use RUN --mount=type=secret instead",
    ],
    [
      "ENV A=1 TOKEN=x",
      "1:9 the value of ENV TOKEN stays in the image's configuration: use RUN --mount=type=secret instead",
    ],
    [
      "ONBUILD ARG TOKEN",
      "1:9 the value of ARG TOKEN stays in the image's history: use RUN --mount=type=secret instead",
    ],
    ["FROM a AS x\nFROM b AS X", "2:1 the stage x is named a second time: from here on the first cannot be reached"],
    ["FROM a AS scratch", "1:1 a stage named scratch cannot be reached: FROM scratch is empty"],
    ["FROM --platform=Linux/AMD64 a", "1:17 the platform Linux/AMD64 is written linux/amd64"],
    ["CMD ['a', 'b']", "1:1 the list of CMD is no valid JSON, so a shell gets it as it is: strings need double quotes"],
    ['RUN ["a", b]', "1:1 the list of RUN is no valid JSON, so a shell gets it as it is: strings need double quotes"],
    ["COPY ['a', 'b']", "1:6 the list of COPY is no valid JSON, so its parts are taken for paths"],
    ["MAINTAINER me", '1:1 MAINTAINER is deprecated: write LABEL org.opencontainers.image.authors="NAME"'],
  ])("%j", (text, expected) => {
    expect(warnings(text)).toEqual([expected]);
  });

  it.each([
    "FROM --platform=$BUILDPLATFORM a AS b\nFROM b AS c",
    "RUN [ -f x ] && y",
    "RUN [[ -f x ]]",
    "COPY [a-z]* /x",
    'VOLUME ["/a"]',
    "CMD top",
    "ARG VERSION",
  ])("%j has none", (text) => {
    expect(warnings(text)).toEqual([]);
  });

  it("secrets are told by their names", () => {
    const secret = [
      "PASSWORD",
      "dbPassword",
      "npm_token",
      "AWS_SECRET_ACCESS_KEY",
      "api-key",
      "MYSQL_ROOT_PASS",
      "GITHUB_AUTH",
    ];
    const open = ["PASSWORD_FILE", "TOKENIZER", "BYPASS", "AUTHOR", "SECRET_ID", "COMPASS_URL", "PUBLIC_KEY"];
    expect(secret.filter((name) => !soundsSecret(name))).toEqual([]);
    expect(open.filter((name) => soundsSecret(name))).toEqual([]);
  });
});

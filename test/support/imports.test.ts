import { describe, expect, it } from "vitest";
import { importsOf } from "./imports.ts";

const cases: readonly (readonly [text: string, kind: string, specifier: string, to: string | undefined])[] = [
  [`import { a } from "../oci/index.ts";`, "static", "../oci/index.ts", "src/oci/index.ts"],
  [`import {\n  a,\n  type B,\n} from '../oci/index.ts';`, "static", "../oci/index.ts", "src/oci/index.ts"],
  [`import type { A } from "zod";`, "type", "zod", undefined],
  [`import { type A, type B } from "zod";`, "static", "zod", undefined],
  [`export * from "./a.ts";`, "static", "./a.ts", "src/tree/a.ts"],
  [`export { a as b } from "./a.ts";`, "static", "./a.ts", "src/tree/a.ts"],
  [`import "./effect.ts";`, "static", "./effect.ts", "src/tree/effect.ts"],
  [`import * as zlib from "node:zlib";`, "static", "node:zlib", undefined],
  [`const { a } = await import("../cli/a.ts");`, "dynamic", "../cli/a.ts", "src/cli/a.ts"],
  [`import data from "./a.json" with { type: "json" };`, "static", "./a.json", "src/tree/a.json"],
];

describe("importsOf", () => {
  it.each(cases)("reads %s", (text, kind, specifier, to) => {
    expect(importsOf("src/tree/x.ts", text)).toMatchObject([{ kind, specifier, to, fromArea: "tree" }]);
  });

  it("does not count what stands in comments", () => {
    expect(
      importsOf("src/tree/x.ts", `// import { a } from "./a.ts";\n/* import "./b.ts"; */\nconst url = "http://x";`),
    ).toEqual([]);
  });
});

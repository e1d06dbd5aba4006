import { describe, expect, it } from "vitest";
import { parseJson } from "./json.ts";

describe("parseJson", () => {
  it("reads what JSON.parse reads", () => {
    for (const text of ['{"a":[1,"]}[{",{"b\\"[":null}]}', "[]", '"["', `${"[".repeat(200)}${"]".repeat(200)}`])
      expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it("refuses deep nesting", () => {
    expect(() => parseJson(`${"[".repeat(201)}${"]".repeat(201)}`)).toThrow("deeper than 200");
    expect(() => parseJson('{"a":'.repeat(1_000_000))).toThrow("deeper than 200");
  });
});

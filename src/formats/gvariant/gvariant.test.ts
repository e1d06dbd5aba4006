import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex, fromHex } from "../../base/bytes/index.ts";
import { decodeGVariant, encodeGVariant, parseType, type Value, variant } from "./index.ts";

const enc = (type: string, value: Value): string => hex(encodeGVariant(type, value));
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

describe("worked examples (docs/formats/gvariant.md)", () => {
  it("writes a dictionary", () => {
    const wanted = "6465740000000000" + "76616c75650000" + "73" + "04" + "11";
    expect(enc("a{sv}", [["det", variant("s", "value")]])).toBe(wanted);
  });

  it("writes an xattr list", () => {
    const list = [
      [bytes("user.alpha\0"), bytes("first")],
      [bytes("user.zeta\0"), bytes("last")],
    ];
    expect(enc("a(ayay)", list)).toBe(
      hex(bytes("user.alpha\0first")) + "0b" + hex(bytes("user.zeta\0last")) + "0a" + "1120",
    );
  });

  it("writes dirtrees", () => {
    expect(enc("(a(say)a(sayay))", [[], []])).toBe("00");
    const checksum = new Uint8Array(32).fill(7);
    expect(enc("(a(say)a(sayay))", [[["tool", checksum]], []])).toBe(hex(bytes("tool\0")) + hex(checksum) + "052627");
  });
});

describe("alignment and size", () => {
  it.each([
    ["()", 1, 1],
    ["(y)", 1, 1],
    ["(yu)", 4, 8],
    ["(uy)", 4, 8],
    ["a{sv}", 8, undefined],
    ["ms", 1, undefined],
    ["(yt(y))", 8, 24],
  ])("%s", (type, alignment, fixedSize) => {
    expect(parseType(type)).toMatchObject({ alignment, fixedSize });
  });

  it.each(["", "z", "ss", "(s", "{vs}", "{sss}", "a", "*", "a?"])("refuses type %j", (type) => {
    expect(() => parseType(type)).toThrow(/GVariant/);
  });
});

describe("normal form", () => {
  it.each([
    ["b", "02"],
    ["s", "61"],
    ["s", "ff00"],
    ["s", "610062"],
    ["(yu)", "0100000102000000"],
    ["as", "610005"],
    ["as", "61006200040203"],
    ["v", "0173"],
    ["(ss)", "61006205"],
    ["t", "00"],
  ])("refuses %s %s", (type, text) => {
    expect(() => decodeGVariant(type, fromHex(text))).toThrow(/normal form|GVariant/);
  });

  it("reads what ostree wrote", () => {
    const vector = (name: string): Uint8Array =>
      fromHex(readFileSync(`test/vectors/ostree/${name}.hex`, "utf8").replace(/\(.*/s, "").replaceAll(/\s/g, ""));
    const summary = decodeGVariant("(a(s(taya{sv}))a{sv})", vector("summary")) as [[string, [bigint]][]];
    expect(summary[0].map(([name, [size]]) => [name, size])).toContainEqual(["vec/meta", 238n]);
    expect(decodeGVariant("a{sv}", vector("commitmeta"))).toEqual([["det", { type: "s", value: "value" }]]);
  });
});

const TYPES: Record<string, fc.Arbitrary<Value>> = {
  y: fc.nat(255),
  n: fc.integer({ min: -32768, max: 32767 }),
  u: fc.nat(0xffffffff),
  x: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  t: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  b: fc.boolean(),
  s: fc.string({ unit: "binary", maxLength: 300 }).filter((text) => !text.includes("\0")),
  ay: fc.uint8Array({ maxLength: 300 }),
};

const basic = fc.constantFrom(...Object.keys(TYPES));
const anyType = fc.letrec<{ type: string }>((tie) => ({
  type: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    basic,
    tie("type")
      .filter((type) => type !== "y")
      .map((type) => `a${type}`),
    tie("type").map((type) => `m${type}`),
    fc.array(tie("type"), { maxLength: 4 }).map((types) => `(${types.join("")})`),
    fc.constant("v"),
  ),
})).type;

function valueOf(type: string, at = 0): { readonly arbitrary: fc.Arbitrary<Value>; readonly end: number } {
  const basicType = type.startsWith("ay", at) ? "ay" : type.charAt(at);
  const known = TYPES[basicType];
  if (known !== undefined) return { arbitrary: known, end: at + basicType.length };
  switch (type.charAt(at)) {
    case "v":
      return {
        arbitrary: basic.chain((inner) => (TYPES[inner] ?? fc.constant(0)).map((value) => ({ type: inner, value }))),
        end: at + 1,
      };
    case "a": {
      const item = valueOf(type, at + 1);
      return { arbitrary: fc.array(item.arbitrary, { maxLength: 5 }), end: item.end };
    }
    case "m": {
      const item = valueOf(type, at + 1);
      return { arbitrary: fc.option(item.arbitrary.map((just) => ({ just }))), end: item.end };
    }
    default: {
      const members: fc.Arbitrary<Value>[] = [];
      let end = at + 1;
      while (type.charAt(end) !== ")") {
        const member = valueOf(type, end);
        members.push(member.arbitrary);
        end = member.end;
      }
      return { arbitrary: fc.tuple(...members), end: end + 1 };
    }
  }
}

describe("properties", () => {
  it("reads back what it wrote, for any type", () => {
    const cases = anyType.chain((type) => valueOf(type).arbitrary.map((value) => ({ type, value })));
    fc.assert(
      fc.property(cases, ({ type, value }) => {
        expect(decodeGVariant(type, encodeGVariant(type, value))).toEqual(value);
      }),
      { seed: 20240102, numRuns: 400, interruptAfterTimeLimit: 1500 },
    );
  });

  it("survives any bytes", () => {
    fc.assert(
      fc.property(anyType, fc.uint8Array({ maxLength: 80 }), (type, input) => {
        try {
          expect(encodeGVariant(type, decodeGVariant(type, input))).toEqual(Uint8Array.from(input));
        } catch (error) {
          expect(error).toHaveProperty("name", "GVariantError");
        }
      }),
      { seed: 7, numRuns: 1000, interruptAfterTimeLimit: 1500 },
    );
  });

  it("widens its offsets", () => {
    for (const size of [250, 253, 254, 255, 256, 65530, 65532, 65533, 65536]) {
      const value = ["x".repeat(size), "y"];
      expect(decodeGVariant("as", encodeGVariant("as", value))).toEqual(value);
      expect(decodeGVariant("(ss)", encodeGVariant("(ss)", value))).toEqual(value);
    }
  });
});

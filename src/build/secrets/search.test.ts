import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { patternsOf } from "./forms.ts";
import { Search } from "./search.ts";

const RUNS = { seed: 5, numRuns: 80 };

function hits(text: string | Uint8Array, ...values: (string | Uint8Array)[]): string[] {
  const secrets = values.map((value, index) => ({ id: `${index}`, bytes: Buffer.from(value) }));
  const found = new Set<string>();
  new Search(patternsOf(secrets)).find(Buffer.from(text), (_start, _end, { secret, form }) =>
    found.add(`${secret} ${form}`),
  );
  return [...found].sort();
}

const SECRET = "s3cr3t/päss+word~";

describe("Search", () => {
  it.each([
    ["as it is", `x${SECRET}x`, "0 raw"],
    ["in base64", Buffer.from(SECRET).toString("base64"), "0 base64"],
    ["in base64 with a line break behind it", Buffer.from(`${SECRET}\n`).toString("base64"), "0 base64"],
    ["in base64 of a longer text, one byte before", Buffer.from(`a${SECRET}zz`).toString("base64"), "0 base64"],
    ["in base64 of a longer text, two bytes before", Buffer.from(`ab${SECRET}z`).toString("base64"), "0 base64"],
    ["in URL-safe base64 without padding", Buffer.from(`a:${SECRET}`).toString("base64url"), "0 base64"],
    ["percent-encoded, upper case", "s3cr3t%2Fp%C3%A4ss%2Bword~", "0 percent"],
    ["percent-encoded, lower case", "s3cr3t%2fp%c3%a4ss%2bword~", "0 percent"],
    ["percent-encoded as a path", "s3cr3t/p%C3%A4ss%2Bword~", "0 percent"],
    ["percent-encoded as a form", "s3cr3t%2Fp%C3%A4ss%2Bword%7E", "0 percent"],
  ])("finds a secret %s", (_how, text, wanted) => {
    expect(hits(`key: "${text}"`, SECRET)).toContain(wanted);
  });

  it("finds base64 that is folded, wherever the line ends", () => {
    const encoded = Buffer.from(`${"x".repeat(40)}${SECRET}${"y".repeat(90)}`).toString("base64");
    for (let shift = 0; shift < 60; shift++) {
      const folded = ("A".repeat(shift * 4) + encoded).replace(/.{76}/g, "$&\r\n");
      expect(hits(folded, SECRET)).toEqual(["0 base64"]);
    }
  });

  it("looks for a long secret in pieces, so that a part of it is found too", () => {
    const secret = Array.from({ length: 600 }, (_, index) => `${index}`).join(":");
    expect(hits(secret.slice(0, 1024), secret)).toEqual(["0 raw"]);
    expect(hits(Buffer.from(secret.slice(1000)).toString("base64"), secret)).toEqual(["0 base64"]);
  });

  it("looks for the telling lines of a secret, each by itself", () => {
    const pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIDfT\nq8Zk+3\n-----END PRIVATE KEY-----\n";
    expect(hits("key: MC4CAQAwBQYDK2VwBCIEIDfT", pem)).toEqual(["0 raw"]);
    expect(hits("-----BEGIN PRIVATE KEY-----\nq8Zk+3\n-----END PRIVATE KEY-----", pem)).toEqual([]);
    const settings =
      "[cdn]\napiVersion: v1\nenabled = 1\nbaseurl = https://cdn.example.com/\nDB_PASSWORD='hunter22'\r\n";
    expect(hits("[cdn]\napiVersion: v1\nenabled = 1\nbaseurl = https://cdn.example.com/", settings)).toEqual([]);
    expect(hits("password: hunter22", settings)).toEqual(["0 raw"]);
    expect(hits("correct horse battery", "first line\ncorrect horse battery\n")).toEqual(["0 raw"]);
  });

  it("ignores line breaks at the end and secrets that are too short", () => {
    expect(hits("hunter22", "hunter22\r\n\n")).toEqual(["0 raw"]);
    expect(hits("hunter2", "hunter2", "\n", "")).toEqual([]);
  });

  it("tells secrets apart that share their beginnings", () => {
    expect(hits("12345678AB 12345678AC", "12345678AB", "12345678AC", "12345678AD")).toEqual(["0 raw", "1 raw"]);
  });

  it("finds a secret anywhere, in any form, among other secrets", () => {
    const secret = fc.uint8Array({ minLength: 8, maxLength: 60 }).filter((bytes) => !/[\r\n]/.test(latin1(bytes)));
    const property = fc.property(
      secret,
      fc.array(secret, { maxLength: 3 }),
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ maxLength: 80 }),
      fc.constantFrom("raw", "base64", "base64url", "percent"),
      (wanted, others, before, after, form) => {
        const all = Buffer.concat([before, wanted, after]);
        const text =
          form === "raw"
            ? all
            : form === "percent"
              ? [...wanted].map((byte) => percent(byte)).join("")
              : all.toString(form);
        // The same characters in every alphabet come first as the form that is tried first.
        expect(hits(text, wanted, ...others).some((hit) => hit.startsWith("0 "))).toBe(true);
      },
    );
    fc.assert(property, RUNS);
  });

  it("finds what a plain comparison finds, and nothing in noise", () => {
    const letters = fc.string({ unit: fc.constantFrom("a", "b", "\n"), minLength: 8, maxLength: 14 });
    fc.assert(
      fc.property(letters, fc.string({ unit: fc.constantFrom("a", "b", "\n"), maxLength: 200 }), (value, text) => {
        fc.pre(!value.includes("\n"));
        expect(hits(text, value).includes("0 raw")).toBe(text.includes(value));
      }),
      RUNS,
    );
    const noise = fc
      .integer()
      .map((seed) =>
        Buffer.concat(Array.from({ length: 60 }, (_, at) => createHash("sha512").update(`${seed} ${at}`).digest())),
      );
    fc.assert(
      fc.property(noise, fc.uint8Array({ minLength: 8, maxLength: 40 }), (bytes, value) => {
        fc.pre(new Set(value).size > 4);
        expect(hits(bytes, value)).toEqual([]);
        expect(hits(Buffer.from(bytes).toString("base64"), value)).toEqual([]);
      }),
      { seed: 5, numRuns: 12 },
    );
  });
});

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function percent(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[\w.~-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0").toUpperCase()}`;
}

describe("Search for very many patterns", () => {
  it("finds each line of a long secret, and where one is cut", () => {
    const lines = Array.from({ length: 400 }, (_, index) => `line-${(index * 7919) % 10_007}-of-many`);
    const secret = { id: "0", bytes: Buffer.from(lines.join("\n")) };
    const search = new Search(patternsOf([secret]));
    for (const line of lines.slice(0, 40)) {
      const found: number[] = [];
      search.find(Buffer.from(`+++${line}+++`), (start) => found.push(start));
      expect(found).toContain(3);
      expect(search.unfinishedFrom(Buffer.from(`+++${line.slice(0, -1)}`))).toBe(3);
      expect(search.unfinishedFrom(Buffer.from("+++li"))).toBe(3);
      expect(search.unfinishedFrom(Buffer.from(`+++${line}.`))).toBe(line.length + 4);
    }
  });

  it("knows where folded base64 is cut, also within its first characters", () => {
    const search = new Search(patternsOf([{ id: "0", bytes: Buffer.from("correct-horse-9") }]));
    const encoded = Buffer.from("correct-horse-9").toString("base64");
    for (let cut = 1; cut < encoded.length; cut++) {
      for (let fold = 1; fold < cut; fold++) {
        const text = `= ${encoded.slice(0, fold)}\r\n ${encoded.slice(fold, cut)}`;
        expect(search.unfinishedFrom(Buffer.from(text))).toBe(2);
      }
    }
  });
});

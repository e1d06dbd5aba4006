import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mask } from "./mask.ts";

function secrets(...values: string[]): { id: string; bytes: Uint8Array }[] {
  return values.map((value, index) => ({ id: `${index}`, bytes: Buffer.from(value) }));
}

function masked(chunks: readonly (string | Uint8Array)[], ...values: string[]): string {
  const mask = new Mask(secrets(...values));
  const output = [...chunks.map((chunk) => mask.push(Buffer.from(chunk))), mask.flush()];
  return Buffer.concat(output).toString("latin1");
}

const SECRET = "correct-horse-9";

describe("Mask", () => {
  it.each([
    ["a secret", `token ${SECRET}.`, "token ***."],
    ["its base64", `token ${Buffer.from(SECRET).toString("base64")}.`, "token ***."],
    ["two beside each other", `${SECRET}${SECRET}`, "******"],
    ["nothing else", "correct-horse-8 correct-horse-", "correct-horse-8 correct-horse-"],
  ])("replaces %s", (_what, text, wanted) => {
    expect(masked([text], SECRET)).toBe(wanted);
    expect(masked(text.split(""), SECRET)).toBe(wanted);
  });

  it("replaces folded base64 whole", () => {
    const encoded = Buffer.from(SECRET.repeat(3)).toString("base64");
    expect(masked([`${encoded.slice(0, 31)}\n`, `${encoded.slice(31)}\n`], SECRET.repeat(3))).toBe("***\n");
  });

  it("lets everything pass at once that cannot begin a secret", () => {
    const mask = new Mask(secrets(SECRET));
    expect(Buffer.from(mask.push(Buffer.from("Password: "))).toString()).toBe("Password: ");
    expect(Buffer.from(mask.push(Buffer.from("corr"))).toString()).toBe("");
    expect(Buffer.from(mask.push(Buffer.from("upt"))).toString()).toBe("corrupt");
    expect(Buffer.from(mask.push(Buffer.from(SECRET))).toString()).toBe("***");
  });

  it("covers secrets that overlap", () => {
    expect(masked(["xAAAABBBBCCCCx"], "AAAABBBB", "BBBBCCCC")).toBe("x***x");
    expect(masked(["xAAAABBBB", "CCCCx"], "AAAABBBB", "BBBBCCCC")).toBe("x***x");
    expect(masked(["xAAAABBBB", "CCCx"], "AAAABBBB", "BBBBCCCC")).toBe("x***CCCx");
    expect(masked(["12345678", "90abcdef"], "12345678", "1234567890abcdef")).toBe("***");
  });

  it("passes everything when there is nothing to mask", () => {
    expect(masked(["a", "b"])).toBe("ab");
    expect(masked(["hunter2"], "hunter2")).toBe("hunter2");
  });

  it("masks the same however the output is cut, and keeps everything else", () => {
    const values = ["abababab", "babababbb", "aaaabbbbaaaa", "bbbbbbbb"];
    const text = fc.array(fc.constantFrom("a", "b", "ab", "-", ...values, Buffer.from("abababab").toString("base64")), {
      maxLength: 30,
    });
    const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 40 });
    fc.assert(
      fc.property(text, cuts, (parts, sizes) => {
        const whole = parts.join("");
        const chunks: string[] = [];
        let rest = whole;
        for (const size of sizes) {
          chunks.push(rest.slice(0, size));
          rest = rest.slice(size);
        }
        const once = masked([whole], ...values);
        expect(masked([...chunks, rest], ...values)).toBe(once);
        for (const value of values) expect(once).not.toContain(value);
        expect(once.replaceAll(/[^-]/g, "")).toBe(whole.replaceAll(/[^-]/g, ""));
      }),
      { seed: 5, numRuns: 150 },
    );
  });
});

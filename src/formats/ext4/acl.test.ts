import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aclFromDisk, aclToDisk } from "./acl.ts";

const NO_ID = 0xffffffff;

function wire(entries: readonly (readonly [number, number, number])[]): Uint8Array {
  const value = new Uint8Array(4 + entries.length * 8);
  const view = new DataView(value.buffer);
  view.setUint32(0, 2, true);
  entries.forEach(([tag, permissions, id], index) => {
    view.setUint16(4 + index * 8, tag, true);
    view.setUint16(6 + index * 8, permissions, true);
    view.setUint32(8 + index * 8, id, true);
  });
  return value;
}

describe("ACLs", () => {
  it("drops the ids that no entry needs", () => {
    const value = wire([
      [0x01, 7, NO_ID],
      [0x02, 6, 1000],
      [0x20, 0, NO_ID],
    ]);
    expect(Buffer.from(aclToDisk(value) ?? []).toString("hex")).toBe(
      "01000000" + "01000700" + "02000600e8030000" + "20000000",
    );
  });

  it("comes back as it was", () => {
    const entry = fc.oneof(
      fc.tuple(fc.constantFrom(0x02, 0x08), fc.nat({ max: 7 }), fc.nat({ max: 2 ** 31 })),
      fc.tuple(fc.constantFrom(0x01, 0x04, 0x10, 0x20), fc.nat({ max: 7 }), fc.constant(NO_ID)),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 10 }), (entries) => {
        const disk = aclToDisk(wire(entries));
        expect(disk && aclFromDisk(disk)).toEqual(wire(entries));
      }),
      { seed: 1, numRuns: 100 },
    );
  });

  it.each(["", "02", "01000000", "0200000001000700", "0200000003000700ffffffff"])("refuses %s", (text) => {
    expect(aclToDisk(Buffer.from(text, "hex"))).toBeUndefined();
  });
});

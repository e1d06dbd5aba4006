import { describe, expect, it } from "vitest";
import { findOwner } from "./owner.ts";

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0::/root:/bin/sh\nbob:x:1001:1002::/:\nbroken:x:many:1:::\nbob:x:7:7:::\n1003:x:9:9:::\n",
  "etc/group": "root:x:0:\nstaff:x:50:bob\nbroken:x::\n",
};
const ONTO = {
  readFile: (path: string) => Promise.resolve(FILES[path] === undefined ? undefined : Buffer.from(FILES[path])),
};
const EMPTY = { readFile: () => Promise.resolve(undefined) };

describe("findOwner", () => {
  it.each([
    ["5", 5, 5],
    ["5:6", 5, 6],
    ["5:", 5, 5],
    [":6", 0, 6],
    ["bob", 1001, 1002],
    ["bob:", 1001, 1002],
    ["bob:staff", 1001, 50],
    ["bob:9", 1001, 9],
    ["7:staff", 7, 50],
    [":staff", 0, 50],
    ["root:root", 0, 0],
    ["1003", 1003, 1003],
    ["4294967295:0", 0xffff_ffff, 0],
  ])("reads %s", async (chown, uid, gid) => {
    expect(await findOwner(chown, ONTO)).toEqual({ uid, gid });
  });

  it.each([
    ["", "BAD_VALUE"],
    [":", "BAD_VALUE"],
    ["nobody", "NOT_FOUND"],
    ["bob:wheel", "NOT_FOUND"],
    ["4294967296", "NOT_FOUND"],
    ["-1", "NOT_FOUND"],
    ["broken", "BAD_VALUE"],
    ["0:broken", "BAD_VALUE"],
    ["bob:x:y", "NOT_FOUND"],
  ])("refuses %s", async (chown, code) => {
    await expect(findOwner(chown, ONTO)).rejects.toMatchObject({ code });
  });

  it("says where names are looked up", async () => {
    await expect(findOwner("bob", EMPTY)).rejects.toThrow(/there is no \/etc\/passwd/);
    await expect(findOwner("bob:wheel", ONTO)).rejects.toThrow(/\/etc\/group has no group of that name/);
    expect(await findOwner("1:2", EMPTY)).toEqual({ uid: 1, gid: 2 });
  });
});

import { describe, expect, it } from "vitest";
import { lookUpUser } from "./users.ts";

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n# no row\napp:x:1000:100:App:/home/app:/bin/sh\nlost:x:7:7::\n",
  "etc/group": "root:x:0:\nusers:x:100:app\nwheel:x:10:root,app\naudio:x:63:app\n",
};
const root = { readFile: (path: string) => Promise.resolve(Buffer.from(FILES[path] ?? "")) };
const empty = { readFile: () => Promise.resolve(undefined) };

describe("USER", () => {
  it.each([
    ["", { uid: 0, gid: 0, groups: [0, 10], home: "/root" }],
    ["app", { uid: 1000, gid: 100, groups: [100, 10, 63], home: "/home/app" }],
    ["1000", { uid: 1000, gid: 100, groups: [100, 10, 63], home: "/home/app" }],
    ["app:wheel", { uid: 1000, gid: 10, groups: [10], home: "/home/app" }],
    ["app:12", { uid: 1000, gid: 12, groups: [12], home: "/home/app" }],
    ["4242", { uid: 4242, gid: 0, groups: [0], home: "/" }],
    ["4242:users", { uid: 4242, gid: 100, groups: [100], home: "/" }],
    ["lost", { uid: 7, gid: 7, groups: [7], home: "/" }],
  ])("%j", async (text, wanted) => {
    expect(await lookUpUser(root, text)).toEqual(wanted);
  });

  it("is root or a number where there is no passwd", async () => {
    expect(await lookUpUser(empty, "")).toEqual({ uid: 0, gid: 0, groups: [0], home: "/" });
    expect(await lookUpUser(empty, "5:6")).toMatchObject({ uid: 5, gid: 6 });
  });

  it.each(["nobody", "app:nogroup", "-1", "99999999999"])("refuses %j", async (text) => {
    await expect(lookUpUser(root, text)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

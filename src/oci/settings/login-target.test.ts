import { describe, expect, it } from "vitest";
import { parseLoginTarget } from "./login-target.ts";

describe("what one logs in to", () => {
  it.each([
    ["registry.example", "registry.example", ""],
    ["registry.example:5000", "registry.example:5000", ""],
    ["https://registry.example/", "registry.example", ""],
    ["localhost", "localhost", ""],
    ["[::1]:5000", "[::1]:5000", ""],
    ["docker.io", "docker.io", ""],
    ["docker.io/team", "docker.io", "team"],
    ["quay.example/team/app", "quay.example", "team/app"],
  ])("%s", (text, registry, namespace) => {
    expect(parseLoginTarget(text)).toEqual({ registry, namespace });
  });
  it.each([
    "",
    "debian",
    "debian/x",
    "h.example/x:1",
    "h.example/Upper",
    "h.example/../x",
    "h.example?x",
    "a b.example",
  ])("is not %j", (text) => {
    expect(() => parseLoginTarget(text)).toThrow(expect.objectContaining({ code: "BAD_OPTION" }));
  });
});

import { describe, expect, it } from "vitest";
import { formatReference, parseImageName, parseReference, storeName } from "./reference.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

describe("parseReference", () => {
  it.each([
    ["oci:/dir", { transport: "oci", path: "/dir" }],
    ["oci:dir:tag", { transport: "oci", path: "dir", name: "tag" }],
    ["oci:dir:quay.io/x/y:1", { transport: "oci", path: "dir", name: "quay.io/x/y:1" }],
    ["oci-archive:f.tar:latest", { transport: "oci-archive", path: "f.tar", name: "latest" }],
    ["dir:a:b", { transport: "dir", path: "a:b" }],
    ["docker://quay.io/a/b", { transport: "docker", image: { registry: "quay.io", repository: "a/b", tag: "latest" } }],
    [
      "docker://docker.io/debian:12",
      { transport: "docker", image: { registry: "docker.io", repository: "library/debian", tag: "12" } },
    ],
    [
      "docker://debian:12",
      { transport: "docker", image: { registry: "docker.io", repository: "library/debian", tag: "12" } },
    ],
    [
      `docker://h:5000/a:1@${DIGEST}`,
      { transport: "docker", image: { registry: "h:5000", repository: "a", tag: "1", digest: DIGEST } },
    ],
    ["docker-archive:f.tar:debian:12", { transport: "docker-archive", path: "f.tar", name: "debian:12" }],
    ["docker-archive:f.tar:@0", { transport: "docker-archive", path: "f.tar", name: "@0" }],
    ["containers-storage:localhost/os:1", { transport: "containers-storage", name: "localhost/os:1" }],
    ["trixie", { transport: "store", image: { repository: "trixie" } }],
    ["localhost/os:1", { transport: "store", image: { registry: "localhost", repository: "os", tag: "1" } }],
    ["host:5000/os", { transport: "store", image: { registry: "host:5000", repository: "os" } }],
    ["os:5000", { transport: "store", image: { repository: "os", tag: "5000" } }],
    [`a/b:t@${DIGEST}`, { transport: "store", image: { repository: "a/b", tag: "t", digest: DIGEST } }],
    ["[::1]:5000/os", { transport: "store", image: { registry: "[::1]:5000", repository: "os" } }],
  ])("reads %s", (text, wanted) => {
    expect(parseReference(text)).toEqual(wanted);
  });

  it.each([
    "",
    ":",
    "oci:",
    "oci::tag",
    "docker:quay.io/a",
    "docker://",
    "A",
    "a/B",
    "a:",
    "a:t@sha256:12",
    "a//b",
    "-a",
    "a@b@c",
    "x".repeat(300),
    "host:port/a",
    "a b",
  ])("refuses %j", (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "BAD_REFERENCE" }));
  });

  it("names the way around transports of other tools", () => {
    expect(() => parseReference("docker-daemon:x")).toThrow(expect.objectContaining({ code: "UNSUPPORTED" }));
  });

  it("writes what it reads", () => {
    for (const text of [
      "oci:dir:tag",
      "oci-archive:f.tar",
      "docker://quay.io/a/b:1",
      `quay.io/a@${DIGEST}`,
      "short:1",
    ]) {
      expect(formatReference(parseReference(text))).toBe(text);
    }
  });
});

describe("storeName", () => {
  it("gives short names to localhost and names without tag the tag latest", () => {
    expect(storeName(parseImageName("trixie"))).toBe("localhost/trixie:latest");
    expect(storeName(parseImageName("localhost/trixie"))).toBe("localhost/trixie:latest");
    expect(storeName(parseImageName("quay.io/a/b:1"))).toBe("quay.io/a/b:1");
    expect(storeName(parseImageName(`quay.io/a/b@${DIGEST}`))).toBe(`quay.io/a/b@${DIGEST}`);
  });
});

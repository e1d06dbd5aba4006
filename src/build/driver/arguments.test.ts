import { describe, expect, it } from "vitest";
import { parseContainerfile } from "../containerfile/index.ts";
import type { BuildRequest } from "../request.ts";
import { buildArguments, type DriverName, type DriverOptions, globalArguments } from "./arguments.ts";

const LINUX = { os: "linux", architecture: "amd64" };
const REQUEST: BuildRequest = {
  containerfile: parseContainerfile(Buffer.from("FROM scratch\n"), "Containerfile"),
  context: "dir",
  ignore: undefined,
  contexts: new Map(),
  platforms: [LINUX],
  buildPlatform: LINUX,
  args: new Map(),
  secrets: [],
  sshSockets: new Map(),
  squash: "none",
  labels: new Map(),
  annotations: new Map(),
  useCache: true,
  network: "default",
  volumes: [],
  jobs: 1,
};
const FILES = { containerfile: "/copy", id: "/id" };
const OPTIONS: DriverOptions = { pull: "missing", driverOptions: [] };
const ALWAYS = ["build", "--iidfile=/id", "--file=/copy", "--platform=linux/amd64"];

/** What a change of the request adds. */
function added(driver: DriverName, request: Partial<BuildRequest>, options: Partial<DriverOptions> = {}): string[] {
  const all = buildArguments(driver, { ...REQUEST, ...request }, { ...OPTIONS, ...options }, "linux/amd64", FILES);
  return all.filter((argument) => ![...ALWAYS, "--layers=true", "--pull=false", "dir"].includes(argument));
}

describe("buildArguments", () => {
  it("says what is not left to the tool's defaults", () => {
    expect(buildArguments("podman", REQUEST, OPTIONS, "linux/amd64", FILES)).toEqual([
      ...ALWAYS,
      "--layers=true",
      "--pull=false",
      "dir",
    ]);
  });

  const file = { id: "a", bytes: new Uint8Array(), origin: { type: "file", path: "/s" } } as const;
  const variable = { id: "b", bytes: new Uint8Array(), origin: { type: "env", name: "B" } } as const;
  it.each<[string, Partial<BuildRequest>, string[]]>([
    ["target", { target: "run" }, ["--target=run"]],
    ["args", { args: new Map([["A", "1 2"]]) }, ["--build-arg=A=1 2"]],
    ["secrets", { secrets: [file, variable] }, ["--secret=id=a,src=/s", "--secret=id=b,type=env,src=B"]],
    ["ssh", { sshSockets: new Map([["default", "/agent"]]) }, ["--ssh=default=/agent"]],
    ["labels", { labels: new Map([["a", "b"]]) }, ["--label=a=b"]],
    ["annotations", { annotations: new Map([["a", "b"]]) }, ["--annotation=a=b"]],
    ["no cache", { useCache: false }, ["--no-cache"]],
    ["network", { network: "none" }, ["--network=none"]],
    ["epoch", { epochSeconds: 0 }, ["--timestamp=0"]],
    ["jobs", { jobs: 2 }, ["--jobs=2"]],
    ["volumes", { volumes: [{ source: "/a", target: "/b", readonly: true }] }, ["--volume=/a:/b:ro"]],
    [
      "contexts",
      {
        contexts: new Map([
          ["src", { kind: "directory", path: "/src", ignore: undefined }],
          ["tools", { kind: "image", reference: "example.com/tools:1" }],
        ]),
      },
      ["--build-context=src=/src", "--build-context=tools=docker-image://example.com/tools:1"],
    ],
  ])("translates %s", (_what, request, wanted) => {
    expect(added("podman", request)).toEqual(wanted);
    expect(added("buildah", request)).toEqual(wanted);
  });

  it.each<[DriverName, BuildRequest["squash"], string[]]>([
    ["podman", "new", ["--squash"]],
    ["podman", "all", ["--squash-all"]],
    ["buildah", "new", ["--layers=false"]],
    ["buildah", "all", ["--layers=false", "--squash"]],
  ])("asks %s to squash %s layers", (driver, squash, wanted) => {
    expect(added(driver, { squash })).toEqual(wanted);
  });

  it("puts each of the tool's own options where the tool wants it", () => {
    const driverOptions = ["runtime=runc", "--isolation=chroot", "root=/r"];
    expect(globalArguments("podman", { ...OPTIONS, driverOptions })).toEqual(["--runtime=runc", "--root=/r"]);
    expect(added("podman", {}, { driverOptions })).toEqual(["--isolation=chroot"]);
    expect(globalArguments("buildah", { ...OPTIONS, driverOptions })).toEqual(["--root=/r"]);
    expect(added("buildah", {}, { driverOptions })).toEqual(["--runtime=runc", "--isolation=chroot"]);
  });

  it.each([
    ["tag=x", "UNSUPPORTED", "cannot hand --tag to podman: Slipway names the image"],
    ["-t=x", "UNSUPPORTED", "cannot hand --t to podman"],
    ["iidfile=/x", "UNSUPPORTED", "Slipway reads the result itself"],
    ["secret=id=x", "UNSUPPORTED", "slipway build has that option itself"],
    ["remote", "UNSUPPORTED", "the image has to be on this machine"],
    ["", "BAD_VALUE", "it is not NAME or NAME=VALUE"],
    ["a b", "BAD_VALUE", "it is not NAME or NAME=VALUE"],
  ])("refuses the option %j", (option, code, message) => {
    const thrown = expect.objectContaining({ code, message: expect.stringContaining(message) });
    expect(() => added("podman", {}, { driverOptions: [option] })).toThrow(thrown);
    expect(() => globalArguments("podman", { ...OPTIONS, driverOptions: [option] })).toThrow(thrown);
  });
});

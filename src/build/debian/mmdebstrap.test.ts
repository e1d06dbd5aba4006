import { describe, expect, it } from "vitest";
import { findArchives } from "./host-apt.ts";
import { type BootstrapSpec, largestRange, mmdebstrapArguments } from "./mmdebstrap.ts";
import { packagesOf } from "./packages.ts";
import { aptLines, debianSources, suiteFacts } from "./suites.ts";

const SPEC: BootstrapSpec = {
  mode: "unshare",
  suite: "trixie",
  architecture: "arm64",
  packages: ["a", "b"],
  sources: ["deb http://mirror.example/debian trixie main"],
  aptOptions: ["Acquire::Check-Valid-Until=false", 'Acquire::http::Proxy "http://p:1";'],
  earlyTar: "/tmp/x/early.tar",
  output: "/tmp/x/root.tar",
};

describe("mmdebstrap's command line", () => {
  it("names mode, packages, options, hooks, and then suite, output and sources", () => {
    const args = mmdebstrapArguments(SPEC);
    expect(args.slice(0, 5)).toEqual([
      "--mode=unshare",
      "--variant=minbase",
      "--format=tar",
      "--architectures=arm64",
      "--include=a,b",
    ]);
    expect(args).toContain('--aptopt=Acquire::Check-Valid-Until "false";');
    expect(args).toContain('--aptopt=Acquire::http::Proxy "http://p:1";');
    expect(args).toContain("--essential-hook=tar-in /tmp/x/early.tar /");
    expect(args.slice(-3)).toEqual(["trixie", "/tmp/x/root.tar", SPEC.sources[0]]);
  });

  it("refuses apt options that are none", () => {
    expect(() => mmdebstrapArguments({ ...SPEC, aptOptions: ["hello"] })).toThrow(/want Key=value/);
  });
});

describe("the recipe", () => {
  it("takes the kernel and boot loader of the architecture", () => {
    const packages = packagesOf(suiteFacts("trixie"), "arm64", "generic", ["podman"]);
    expect(packages).toEqual(
      expect.arrayContaining(["linux-image-arm64", "grub-efi-arm64-signed", "shim-signed", "podman"]),
    );
    expect(packagesOf(suiteFacts("bookworm"), "amd64", "cloud", [])).not.toContain("systemd-repart");
  });

  it("installs from the machine's mirror but leaves Debian's own address in the image", () => {
    expect(aptLines(suiteFacts("trixie"), { archive: "http://m/debian" })).toEqual([
      "deb http://m/debian trixie main",
      "deb http://m/debian trixie-updates main",
      "deb http://deb.debian.org/debian-security trixie-security main",
    ]);
    expect(aptLines(suiteFacts("forky"))).toHaveLength(1);
    expect(debianSources(suiteFacts("trixie"))).toContain("Suites: trixie trixie-updates\n");
  });

  it("reads the machine's sources in both forms", () => {
    const text =
      "# deb http://no/debian x main\ndeb [signed-by=/k] http://m/debian/ bookworm main\nTypes: deb\nURIs: http://s/debian-security\nSuites: y\n";
    expect(findArchives(text)).toEqual({ archive: "http://m/debian", securityArchive: "http://s/debian-security" });
    expect(findArchives("deb https://packages.example/apt stable main")).toEqual({});
  });
});

describe("subordinate ids", () => {
  it("count for a user by name or number", () => {
    expect(largestRange("a:1:10\nme:100000:65536\n1000:5:7\n", "me", 1000)).toBe(65_536);
    expect(largestRange("", "me", 1000)).toBe(0);
  });
});

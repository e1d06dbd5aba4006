import { describe, expect, it } from "vitest";
import { reachableFrom } from "./hosts.ts";

describe("reachableFrom", () => {
  it.each([
    ["registry.example", "https://registry.example/v2/", true],
    ["registry.example", "https://cdn.registry.example/x", true],
    ["registry.example", "https://evilregistry.example/x", false],
    ["registry.example", "https://registry.example.evil/x", false],
    ["registry.example", "https://registry.example:8443/x", false],
    ["registry.example", "https://registryXexample/x", false],
    ["127.0.0.1:5000", "http://127.0.0.1:5000/v2/", true],
    ["127.0.0.1:5000", "http://127.0.0.1:5001/v2/", false],
    ["[::1]:5000", "http://[::1]:5000/v2/", true],
    ["docker.io", "https://registry-1.docker.io/v2/", true],
    ["docker.io", "https://production.cloudflare.docker.com/x", true],
    ["registry.example", "https://production.cloudflare.docker.com/x", false],
    ["registry.example", "https://a.blobs.example/x", true],
    ["registry.example", "http://169.254.169.254/latest", false],
  ])("of %s: %s %s", (upstream, url, wanted) => {
    expect(reachableFrom(upstream, ["*.blobs.example"])(new URL(url))).toBe(wanted);
  });
});

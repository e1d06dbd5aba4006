/** A key pair, a signature, and what accepts it: keys, names and policies, for images in layouts and in the local store. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Outcome, slipway, type SlipwayOptions } from "../support/slipway.ts";
import { tinyImage } from "../support/tiny-image.ts";
import { tempDir } from "../support/tools.ts";

const IDENTITY = "registry.example/os:1";

describe("slipway sign and verify", () => {
  it("go from a new key pair to an image that a policy accepts", async () => {
    using folder = tempDir();
    const options: SlipwayOptions = {
      cwd: folder.path,
      env: { SLIPWAY_STORE: join(folder.path, "store"), HOME: folder.path, COSIGN_PASSWORD: "secret" },
    };
    const run = (...args: readonly string[]): Promise<Outcome> => slipway(args, options);
    const image = tinyImage(join(folder.path, "layout"), [[{ path: "a", data: "a" }]], { tag: "1" });

    expect(await run("key", "generate")).toMatchObject({ exitCode: 0 });
    expect(statSync(join(folder.path, "cosign.key")).mode & 0o777).toBe(0o600);
    const before = readFileSync(join(folder.path, "cosign.key"));
    expect(await run("key", "generate")).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("it exists") });
    expect(readFileSync(join(folder.path, "cosign.key")).equals(before)).toBe(true);
    await run("key", "generate", "--output-key-prefix", "other");

    expect(await run("verify", "--key", "cosign.pub", image)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("it has no signature"),
    });
    expect(await run("sign", "--key", "cosign.key", image)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("--identity"),
    });
    const sign = ["sign", "--key", "cosign.key", "--identity", IDENTITY, image];
    expect(await run(...sign)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`signed for ${IDENTITY}`),
    });
    expect((await run(...sign)).stdout).toContain("already signed");
    const wrong = await slipway(sign, { ...options, env: { ...options.env, COSIGN_PASSWORD: "wrong" } });
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("the password does not fit") });

    expect((await run("verify", "--key", "cosign.pub", image)).stdout.match(/^accepted: /gm)).toHaveLength(2);
    expect(await run("verify", "--key", "other.pub", image)).toMatchObject({ exitCode: 1 });
    expect(await run("verify", "--key", "other.pub", "--key", "cosign.pub", image)).toMatchObject({ exitCode: 0 });
    expect(await run("verify", "--key", "cosign.pub", "--identity", "registry.example/os", image)).toMatchObject({
      exitCode: 0,
    });
    expect(await run("verify", "--key", "cosign.pub", "--identity", "registry.example/os:2", image)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`made for ${IDENTITY}, wanted is registry.example/os:2`),
    });

    const signedIdentity = { type: "exactRepository", dockerRepository: "registry.example/os" };
    const signed = { type: "sigstoreSigned", keyPath: join(folder.path, "cosign.pub"), signedIdentity };
    const policy = { default: [{ type: "reject" }], transports: { oci: { [folder.path]: [signed] } } };
    writeFileSync(join(folder.path, "policy.json"), JSON.stringify(policy));
    expect(await run("verify", "--policy", "policy.json", image)).toMatchObject({ exitCode: 0 });
    const unsigned = tinyImage(join(folder.path, "unsigned"), [[{ path: "b", data: "b" }]], { tag: "1" });
    expect(await run("verify", "--policy", "policy.json", unsigned)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("the signature policy does not allow it"),
    });
  });
});

/** The registry against the conformance suite of the OCI distribution specification, all four workflows. */
import { describe, expect } from "vitest";
import { serveRegistry } from "../support/registry.ts";
import { oracle, tempDir } from "../support/tools.ts";
import { buildSuite, complaints, EXPECTED_SKIPS, runSuite } from "./suite.ts";

describe("slipway registry serve", () => {
  oracle(
    "go",
    "passes the conformance suite of the distribution specification: 75 tests, and skips only the 4 that exclude others",
    async () => {
      using folder = tempDir();
      const program = await buildSuite();
      await using registry = await serveRegistry(folder.join("registry"));
      const result = await runSuite(program, registry.url, folder.join("reports"));
      expect(complaints(result), result.output).toEqual([]);
      expect([...result.skipped].sort()).toEqual([...EXPECTED_SKIPS].sort());
      expect(result.passed.length).toBe(75);
      expect(registry.log()).not.toContain('"status":500');
    },
    { proves: "the registry conforms to the distribution specification", timeoutMs: 1_200_000 },
  );
});

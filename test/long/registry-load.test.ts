/** Ten minutes of what test/e2e/registry-load.test.ts does for half a minute, with larger layers. */
import { expect, test } from "vitest";
import { runLoad } from "../support/registry-load.ts";
import { tempDir } from "../support/tools.ts";

test("64 clients and a registry that is killed every few seconds, for ten minutes", async () => {
  using folder = tempDir();
  const result = await runLoad(folder.join("registry"), {
    clients: 64,
    seconds: 600,
    killEveryMs: 7000,
    layerBytes: 2_000_000,
  });
  expect(result).toMatchObject({ failures: [], lost: [], wrong: [] });
  expect(result.kills).toBeGreaterThan(30);
});

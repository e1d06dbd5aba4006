/** The registry under load while it is killed and collects garbage. test/long has the same for longer. */
import { expect, test } from "vitest";
import { runLoad } from "../support/registry-load.ts";
import { tempDir } from "../support/tools.ts";

test("64 clients push, pull and delete while the registry is killed: all finish, nothing is lost, nothing is wrong", async () => {
  using folder = tempDir();
  const result = await runLoad(folder.join("registry"), {
    clients: 64,
    seconds: 25,
    killEveryMs: 3000,
    layerBytes: 200_000,
  });
  expect(result).toMatchObject({ failures: [], lost: [], wrong: [] });
  expect(result.kills).toBeGreaterThanOrEqual(3);
  expect(result.pushes).toBeGreaterThan(64);
  expect(result.pulls).toBeGreaterThan(64);
}, 180_000);

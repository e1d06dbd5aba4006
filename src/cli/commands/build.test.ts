import { describe, expect, it } from "vitest";
import { NO_PROGRESS } from "../../base/progress.ts";
import { build } from "./build.ts";

describe("build", () => {
  it.each([`os@sha256:${"0".repeat(64)}`, `localhost/os:1@sha256:${"0".repeat(64)}`])(
    "does not name an image by a digest that it has not: -t %s",
    async (tag) => {
      const context = {
        env: {},
        stdout: () => undefined,
        stderr: () => undefined,
        progress: NO_PROGRESS,
        json: false,
        storePath: "/nowhere",
        signal: new AbortController().signal,
      };
      await expect(build(context, ["/nowhere"], { tag: [tag] })).rejects.toMatchObject({
        name: "UsageError",
        code: "BAD_OPTION",
        message: `cannot use -t ${tag}: a digest is what the image's content gives, wanted is a tag`,
      });
    },
  );
});

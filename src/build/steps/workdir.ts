// WORKDIR: where later steps and the image's own program start. Making the directory is for make-workdir.ts.
import { posix } from "node:path";
import type { RunConfig } from "../config.ts";
import type { Workdir } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import type { Expand } from "../state.ts";

export function workdir(config: RunConfig, { path }: Pick<Workdir, "path">, expand: Expand): RunConfig {
  const text = expand(path);
  if (text === "") throw new BuildError("BAD_VALUE", `WORKDIR ${path.text} names no directory`);
  return { ...config, workingDir: posix.resolve("/", config.workingDir, text) };
}

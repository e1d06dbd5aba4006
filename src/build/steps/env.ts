// ENV: sets variables of the image; they are seen from the next instruction on.
import type { RunConfig } from "../config.ts";
import type { Env } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import type { Expand } from "../state.ts";

export function env(config: RunConfig, { pairs }: Pick<Env, "pairs">, expand: Expand): RunConfig {
  const ownEnv = new Map(config.ownEnv);
  for (const { key, value } of pairs) {
    const name = expand(key);
    if (name === "") throw new BuildError("BAD_VALUE", `ENV ${key.text} names no variable`);
    ownEnv.set(name, expand(value));
  }
  return { ...config, ownEnv };
}

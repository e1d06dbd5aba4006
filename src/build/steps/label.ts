// LABEL: what people and tools want to know of the image.
import type { RunConfig } from "../config.ts";
import type { Label } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import type { Expand } from "../state.ts";

export function label(config: RunConfig, { pairs }: Pick<Label, "pairs">, expand: Expand): RunConfig {
  const labels = new Map(config.labels);
  for (const { key, value } of pairs) {
    const name = expand(key);
    if (name === "") throw new BuildError("BAD_VALUE", `LABEL ${key.text} names no label`);
    labels.set(name, expand(value));
  }
  return { ...config, labels };
}

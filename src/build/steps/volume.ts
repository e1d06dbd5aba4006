// VOLUME: paths that hold data of a running container. What later RUNs put there stays in the image, as with podman.
import type { RunConfig } from "../config.ts";
import type { Volume } from "../containerfile/index.ts";
import { BuildError } from "../error.ts";
import type { Expand } from "../state.ts";

export function volume(config: RunConfig, { paths }: Pick<Volume, "paths">, expand: Expand): RunConfig {
  const added = paths.map((path) => {
    const text = expand(path).trim();
    if (text === "") throw new BuildError("BAD_VALUE", `VOLUME ${path.text} names no path`);
    return text;
  });
  return { ...config, volumes: [...new Set([...config.volumes, ...added])] };
}

// ONBUILD: an instruction for builds that start from this image. The parser has refused FROM, MAINTAINER and ONBUILD.
import type { RunConfig } from "../config.ts";
import type { OnBuild } from "../containerfile/index.ts";

export function onBuild(config: RunConfig, { source }: Pick<OnBuild, "source">): RunConfig {
  return { ...config, onBuild: [...config.onBuild, source] };
}

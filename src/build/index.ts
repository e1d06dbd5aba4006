export type {
  DebianArchitecture,
  DebianBaseError,
  DebianBaseOptions,
  DebianBaseResult,
  Kernel,
  Suite,
} from "./debian/index.ts";
export { buildImage, buildWarnings, planFor } from "./build.ts";
export { type Containerfile, type IgnoreRules, parseContainerfile, parseIgnoreFile } from "./containerfile/index.ts";
export { BuildError, type BuildErrorCode } from "./error.ts";
export { buildDebianBase, buildElsewhere, readSecret } from "./on-demand.ts";
export { outlineSecrets, outlineStages } from "./outline.ts";
export { pruneBuildRoots } from "./prune.ts";
export type {
  BaseImage,
  BuildEvent,
  BuildRequest,
  BuildResult,
  BuildServices,
  BuiltImage,
  HostVolume,
  NamedContext,
  Step,
  StepResult,
} from "./request.ts";
export {
  applyCross,
  type CrossStatus,
  crossStatus,
  type CrossWrite,
  handlerName,
  planDisable,
  planEnable,
} from "./sandbox/index.ts";

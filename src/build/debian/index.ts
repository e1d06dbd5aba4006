export {
  buildDebianBase,
  type DebianBaseDependencies,
  type DebianBaseOptions,
  type DebianBaseResult,
} from "./build.ts";
export { DebianBaseError } from "./errors.ts";
export type { Kernel } from "./packages.ts";
export { type DebianArchitecture, type Suite, SUITE_NAMES } from "./suites.ts";

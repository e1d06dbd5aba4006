export {
  buildDebianBase,
  DebianBaseError,
  type DebianArchitecture,
  type DebianBaseOptions,
  type DebianBaseResult,
  type Kernel,
  type Suite,
  SUITE_NAMES,
} from "./debian/index.ts";

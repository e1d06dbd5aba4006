export {
  applyCross,
  type CrossStatus,
  crossStatus,
  type CrossWrite,
  handlerName,
  planDisable,
  planEnable,
} from "./cross.ts";
export { type Emulator, findEmulator } from "./emulator.ts";
export { Namespace, type NamespaceOptions } from "./namespace.ts";
export type { SandboxMount, SandboxRun } from "./request.ts";
export { runInSandbox } from "./run.ts";

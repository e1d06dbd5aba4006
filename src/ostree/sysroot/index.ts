export { deployFirst, type DeployInput, type Deployment } from "./deploy.ts";
export { OstreeSysrootError } from "./errors.ts";
export type { SysrootFileSystem } from "./file-system.ts";
export { TreeFileSystem } from "./tree-file-system.ts";

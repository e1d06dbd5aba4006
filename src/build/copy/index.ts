export type { ContextEntry, ContextSource } from "./context.ts";
export { ContentDigests } from "./content-digests.ts";
export { directoryContext, type DirectoryContextOptions } from "./directory-context.ts";
export { type CopyPlan, planCopy, prepareCopy } from "./plan.ts";
export type { CopyRequest } from "./request.ts";
export { rootContext } from "./root-context.ts";
export type { CopyTarget } from "./target.ts";

export { diffTrees } from "../../tree/index.ts";
export { type AddOptions, type BuiltLayer, type Places, Root } from "./root.ts";
export { type HostNamespace, hostPath } from "./host-tools.ts";
export { removeKeptRoots, WorkRoot, type WorkRootOptions } from "./work-root.ts";

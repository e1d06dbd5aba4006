export { type Architecture, findArchitecture, knownArchitectures } from "./architecture.ts";
export { type BootableImage, checkConfig, inspectBootable } from "./contract.ts";
export { ImageContractError } from "./errors.ts";
export { assertKarg, joinKargs, readKargsD } from "./kargs.ts";
export { findKernel, type Kernel, MODULES } from "./kernel.ts";
export { kernelVersion, type KernelSource, type KernelVersion, type KernelVersionInput } from "./kernel-version.ts";
export { parseOsRelease } from "./os-release.ts";
export { parsePrepareRoot, type PrepareRoot, readPrepareRoot } from "./prepare-root.ts";
export { readText } from "./read-text.ts";

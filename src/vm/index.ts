export { VmError } from "./errors.ts";
export { type BootResult, startVm, Vm, type VmOptions } from "./run.ts";

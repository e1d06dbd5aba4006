export { hashJson, stepKey, type StepInputs } from "./key.ts";
export { type CachedStep, StepCache } from "./records.ts";

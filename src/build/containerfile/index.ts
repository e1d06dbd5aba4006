export type * from "./instruction.ts";
export { expandHeredoc, expandWord, type ExpandOptions, splitWords, type Variables } from "./expansion.ts";
export { type IgnoreRules, parseIgnoreFile } from "./ignore.ts";
export { located } from "./location.ts";
export { parseContainerfile, parseInstruction } from "./parse.ts";
export { compilePattern } from "./pattern.ts";
export { runScript, type RunScript } from "./run-script.ts";
export { type Warning, warningsOf } from "./warnings.ts";

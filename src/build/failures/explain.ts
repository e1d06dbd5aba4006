// Finds what a failed step failed of: not its last line, but the first that tells a cause. Known failures come with a cause
// and a cure; of unknown ones the first line that looks like an error is named.
import type { FailureRule } from "./rule.ts";
import { RULES } from "./rules.ts";

export interface FailureExplanation {
  /** The line that the failure began with. */
  readonly firstError?: string;
  readonly rule?: Pick<FailureRule, "id" | "cause" | "cure" | "affected" | "links">;
}

const MAX_OUTPUT_LENGTH = 1024 * 1024;
const MAX_LINE_LENGTH = 500;

/** What an error looks like in the output of most programs. */
const ERRORS: readonly RegExp[] = [
  /^(?:E|ERROR|FATAL)\b[:! ]/,
  /^(?:error|fatal|panic|abort(?:ed)?)\b[:!]/i,
  /(?:^|[\s:])(?:fatal )?error(?: [A-Z]{1,3}\d+|\[\w+\])?: /i,
  /^npm (?:ERR!|error)/,
  /^\w+(?:\.\w+)*(?:Error|Exception): /,
  /: (?:No such file or directory|Permission denied|Operation not permitted|Read-only file system|Is a directory)$/,
  /: (?:cannot|can't|unable to|failed to|could not|invalid option|unrecognized option)\b/i,
  /^(?:curl|wget|tar|cp|mv|rm|ln|mkdir|install|sed|grep|chmod|chown): /,
];

/** What only says that something before it failed. */
const CONSEQUENCES: readonly RegExp[] = [
  /^make(?:\[\d+\])?: \*\*\*/,
  /^(?:Error|error): building at STEP/,
  /\bexit(?:ed with)? (?:status|code)\b/i,
  /^npm (?:ERR!|error) (?:A complete log|code ELIFECYCLE|errno)/,
  /returned (?:a )?non-zero (?:exit status|code)/,
];

interface Finding {
  readonly line: string;
  readonly weight: FailureRule["weight"];
  readonly rule?: FailureRule;
}

const WEIGHTS: readonly FailureRule["weight"][] = ["decisive", "error", "harmless", "consequence"];

/** `output`: the end of what the step printed; of more than 1 MiB only the last is looked at. */
export function explainFailure(output: string): FailureExplanation {
  const findings = linesOf(output.slice(-MAX_OUTPUT_LENGTH)).flatMap(judge);
  for (const weight of WEIGHTS) {
    const found = findings.find((finding) => finding.weight === weight);
    if (found === undefined) continue;
    const { line, rule } = found;
    if (rule === undefined) return { firstError: line };
    const { patterns: _patterns, weight: _weight, ...told } = rule;
    return { firstError: line, rule: told };
  }
  return {};
}

/** As a person would see them: without colours, of a line that was written over only its last state. */
function linesOf(output: string): string[] {
  return output
    .split("\n")
    .map((line) => stripColours(line.trimEnd().split("\r").at(-1) ?? "").slice(0, MAX_LINE_LENGTH))
    .filter((line) => line !== "");
}

function stripColours(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.replace(/\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]/g, "").trim();
}

function judge(line: string): Finding[] {
  const rule = RULES.find(({ patterns }) => patterns.some((pattern) => pattern.test(line)));
  if (rule !== undefined) return [{ line, weight: rule.weight, rule }];
  if (CONSEQUENCES.some((pattern) => pattern.test(line))) return [{ line, weight: "consequence" }];
  return ERRORS.some((pattern) => pattern.test(line)) ? [{ line, weight: "error" }] : [];
}

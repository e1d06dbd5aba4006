/**
 * Runs vitest in this process and counts: what `N passed, N failed, N skipped` says comes from here. A file that cannot
 * be loaded, or an error outside any test, counts as a failure.
 */
import { startVitest, type TestModule } from "vitest/node";
import { root } from "./stages.ts";

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  /** The full names of what did not run; an oracle's name says which tool is missing and what is not proven. */
  readonly skipped: readonly string[];
}

export interface VitestOptions {
  /** Names of the vitest projects to run; all when left out. */
  readonly projects?: readonly string[];
  /** Parts of file names. */
  readonly filters?: readonly string[];
  /** `dot` for short runs, `default` for long ones. */
  readonly reporter: "default" | "dot" | "verbose";
}

export async function runVitest(options: VitestOptions): Promise<TestCounts> {
  const vitest = await startVitest("test", [...(options.filters ?? [])], {
    root,
    run: true,
    watch: false,
    passWithNoTests: true,
    reporters: [options.reporter],
    ...(options.projects === undefined ? {} : { project: [...options.projects] }),
  });
  try {
    return countTests(vitest.state.getTestModules(), vitest.state.getUnhandledErrors().length);
  } finally {
    await vitest.close();
  }
}

function countTests(modules: readonly TestModule[], unhandledErrors: number): TestCounts {
  let passed = 0;
  let failed = unhandledErrors;
  const skipped: string[] = [];
  for (const module of modules) {
    failed += module.errors().length;
    for (const suite of module.children.allSuites()) failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === "passed") passed += 1;
      else if (state === "failed") failed += 1;
      else skipped.push(`${module.relativeModuleId} > ${test.fullName}${noteOf(test.result())}`);
    }
  }
  return { passed, failed, skipped };
}

function noteOf(result: { readonly note?: string | undefined } | object): string {
  return "note" in result && typeof result.note === "string" ? ` [${result.note}]` : "";
}

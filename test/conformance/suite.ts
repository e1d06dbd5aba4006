/**
 * The conformance suite of the OCI distribution specification: fetched as the Go module it is, built into
 * .cache/conformance, run against a registry, its JUnit report read.
 */
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { run } from "../support/tools.ts";

export const MODULE = "github.com/opencontainers/distribution-spec/conformance";
export const VERSION = "v0.0.0-20231101194043-f2182352d4cc";

/** The tests that others exclude: no registry runs all 79. */
export const EXPECTED_SKIPS: readonly string[] = [
  "Pull Setup Get tag name from environment",
  "Push Cross-Repository Blob Mount Cross-mounting of nonexistent blob should yield session id",
  "Push Cross-Repository Blob Mount Cross-mounting without from, and automatic content discovery enabled should return a 201",
  "Content Discovery Setup Populate registry with test tags (no push)",
];

const cache: string = join(dirname(dirname(import.meta.dirname)), ".cache", "conformance", VERSION);

/** Builds the suite when it is not there yet; the path of its program. */
export async function buildSuite(): Promise<string> {
  const program = join(cache, "conformance.test");
  if (existsSync(program)) return program;
  // The checksum database does not know the module; the checksums of what it needs come with it. A newer Go is not fetched.
  const env = { GONOSUMDB: MODULE, GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local", GOTELEMETRY: "off" };
  const { stdout } = await run("go", ["mod", "download", "-json", `${MODULE}@${VERSION}`], { env, cwd: "/" });
  const { Dir: directory } = JSON.parse(stdout) as { Dir: string };
  const source = join(cache, "source");
  mkdirSync(cache, { recursive: true });
  // Go's module cache is read-only, and a program cannot be built in it.
  cpSync(directory, source, { recursive: true });
  await run("chmod", ["-R", "u+w", source]);
  await run("go", ["test", "-c", "-o", program], { env, cwd: source, timeoutMs: 900_000 });
  return program;
}

export interface SuiteResult {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  readonly output: string;
}

/** All four workflows against a registry that lets everybody push. */
export async function runSuite(program: string, url: string, reports: string): Promise<SuiteResult> {
  mkdirSync(reports, { recursive: true });
  const { stdout } = await run(program, [], {
    cwd: reports,
    allowExit: [0, 1],
    timeoutMs: 300_000,
    env: {
      OCI_ROOT_URL: url,
      OCI_NAMESPACE: "conformance/first",
      OCI_CROSSMOUNT_NAMESPACE: "conformance/second",
      OCI_TEST_PULL: "1",
      OCI_TEST_PUSH: "1",
      OCI_TEST_CONTENT_DISCOVERY: "1",
      OCI_TEST_CONTENT_MANAGEMENT: "1",
      OCI_AUTOMATIC_CROSSMOUNT: "0",
      OCI_REPORT_DIR: reports,
    },
  });
  return { ...readReport(readFileSync(join(reports, "junit.xml"), "utf8")), output: stdout };
}

const PREFIX = "[It] OCI Distribution Conformance Tests ";

function readReport(xml: string): Omit<SuiteResult, "output"> {
  const found: Record<string, string[]> = { passed: [], failed: [], skipped: [] };
  for (const [, name = "", status = ""] of xml.matchAll(/<testcase name="([^"]*)"[^>]* status="([^"]*)"/g)) {
    // Steps around the tests are reported, too.
    if (!name.startsWith(PREFIX) && status === "passed") continue;
    (found[status] ?? found["failed"])?.push(name.slice(name.startsWith(PREFIX) ? PREFIX.length : 0));
  }
  const { passed = [], failed = [], skipped = [] } = found;
  return { passed, failed, skipped };
}

/** What speaks against the result; nothing when the registry conforms. */
export function complaints({ passed, failed, skipped }: SuiteResult): readonly string[] {
  return [
    ...failed.map((name) => `failed: ${name}`),
    ...skipped.filter((name) => !EXPECTED_SKIPS.includes(name)).map((name) => `skipped: ${name}`),
    ...(passed.length + failed.length + skipped.length === 79
      ? []
      : [`not 79 tests, but ${passed.length + skipped.length}`]),
  ];
}

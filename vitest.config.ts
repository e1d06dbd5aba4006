/**
 * Two projects: `unit` (beside the source, fast, no foreign tools) and `suite` (test/: oracles, boots, the package itself).
 * Only with SLIPWAY_LONG=1 are test/long/** picked up, by themselves (`npm run test:long`).
 */
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const long = process.env["SLIPWAY_LONG"] === "1";

/** The boots take as long as all other suites together: they start first, beside the others. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith("/oracles/boot.test.ts");
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const config: ViteUserConfig = defineConfig({
  test: {
    // Two processors are the smallest machine we promise times for.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    projects: long
      ? [
          {
            test: {
              name: "long",
              include: ["test/long/**/*.test.ts"],
              testTimeout: 3_600_000,
              hookTimeout: 3_600_000,
              fileParallelism: false,
            },
          },
        ]
      : [
          {
            test: {
              name: "unit",
              include: ["src/**/*.test.ts", "test/architecture.test.ts", "test/support/**/*.test.ts"],
              testTimeout: 20_000,
              // Modules are loaded once, not once a file: half the time. Nobody mocks them.
              isolate: false,
            },
          },
          {
            test: {
              name: "suite",
              include: ["test/**/*.test.ts"],
              exclude: ["test/long/**", "test/architecture.test.ts", "test/support/**", "**/node_modules/**"],
              testTimeout: 900_000,
              hookTimeout: 900_000,
            },
          },
        ],
  },
});

export default config;

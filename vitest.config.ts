import "./cli/require-node.js";
import { defineConfig } from "vitest/config";

/** One project a layer; `scripts/test.ts` decides which of them this machine can run, and says what it skips. */
const layer = (
  name: string,
  testTimeout: number,
  options: { fileParallelism?: boolean; setupFiles?: string; globalSetup?: string } = {},
) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout, ...options },
});

export default defineConfig({
  test: {
    projects: [
      layer("unit", 20_000, { setupFiles: "test/support/no-processes.ts" }),
      layer("process", 60_000),
      layer("mocks", 20_000),
      layer("golden", 20_000),
      layer("engine", 120_000),
      layer("upgrade", 120_000),
      // Nodes are real machines: one file after another, so that two cores are enough for their timings.
      layer("nodes", 600_000, { fileParallelism: false, globalSetup: "test/support/choose-system.ts" }),
    ],
  },
});

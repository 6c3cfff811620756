import "./cli/require-node.js";
import { defineConfig } from "vitest/config";

interface Options {
  setupFiles?: string;
  globalSetup?: string;
  /** Files at a time. */
  maxWorkers?: number;
  /** Layers of one group run beside each other, one group after the other. */
  sequence?: { groupOrder: number };
}

/** One project a layer; `scripts/test.ts` decides which of them this machine can run, and says what it skips. */
const layer = (name: string, testTimeout: number, options: Options = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout, maxWorkers: 2, ...options },
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
      layer("nodes", 600_000, {
        globalSetup: "test/support/around-nodes.ts",
        setupFiles: "test/support/journals-of-failures.ts",
        maxWorkers: Number(process.env.SILVER_NODE_FILES ?? 1),
        sequence: { groupOrder: 1 },
      }),
    ],
  },
});

import { runVitest } from "./vitest.ts";
import type { FileResult } from "./test-report.ts";

/** Node tests that measure load, or whose steps must happen within seconds: nothing else may take their cores meanwhile. */
const alone = ["first-light", "greedy", "php", "rollout", "serving"].map((name) => `test/nodes/${name}.test.ts`);

/** Runs all node tests: nodes mostly wait, so two files at a time keep two cores busy; then those that run alone. */
export function runNodes(environment: Record<string, string> = {}): FileResult[] {
  const nodes = ["--project", "nodes"];
  const rest = [...nodes, ...alone.flatMap((file) => ["--exclude", file])];
  return [...runVitest(rest, { ...environment, SILVER_NODE_FILES: "2" }), ...runVitest([...nodes, ...alone], environment)];
}

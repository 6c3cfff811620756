import { expect, test } from "vitest";
import { renderOutcome } from "../../components/rollout/outcome.ts";
import { aRollout } from "../support/rollout-fixture.ts";

test("what failed on two nodes in the same way is read once", () => {
  const log = ["Traceback (most recent call last):", "SyntaxError: invalid syntax"];
  const failed = (node: string) => ({ node, step: "prepare", code: "start", message: "it did not start", log }) as const;
  const summary = renderOutcome(
    { verdict: "reverted", failures: [failed("web1"), failed("web2")], nodes: [] },
    aRollout(["web1", "web2"]),
  );
  expect(summary.slice(1, 8)).toEqual([
    "  web1, prepare: it did not start",
    "  from its log:",
    "    Traceback (most recent call last):",
    "    SyntaxError: invalid syntax",
    "  web2, prepare: it did not start",
    "  from its log:",
    "    the same as above",
  ]);
});

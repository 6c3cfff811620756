import { expect, it } from "vitest";
import { runPythonTests } from "../support/python-tests.ts";

const { ended, results } = runPythonTests("agent");

it("the agent's tests ran to their end", () => {
  expect(ended).toEqual({ error: undefined, signal: null, stderr: "" });
  expect(results.length).toBeGreaterThan(50);
});

it.each(results)("$name", ({ outcome, words }) => {
  expect(outcome, words).toBe("passed");
});

import { expect, it } from "vitest";
import { runPythonTests } from "../support/python-tests.ts";

const { ended, results } = runPythonTests("guestbook");

it("the guestbook's tests ran to their end", () => {
  expect(ended).toEqual({ error: undefined, signal: null, stderr: "" });
  expect(results.length).toBeGreaterThan(20);
});

it.each(results)("$name", ({ outcome, words }) => {
  expect(outcome, words).toBe("passed");
});

import { describe, expect, test } from "vitest";
import { parseEnvironment } from "../../components/environment/parse.ts";
import { expectIssues, fixturesIn, issueLines } from "../support/fixtures.ts";

describe("a good environment is read without a word", () => {
  test.each(fixturesIn("environments/good"))("$name", ({ name, text }) => {
    const { value, issues } = parseEnvironment(text, `stacks/${name}`, "test");
    expect(issueLines(issues)).toBe("");
    expect(value).toBeDefined();
  });
});

describe("a bad environment is refused with the messages beside it", () => {
  test.each(fixturesIn("environments/bad"))("$name", (fixture) => {
    const { value, issues } = parseEnvironment(fixture.text, `stacks/${fixture.name}`, "test");
    expect(value).toBeUndefined();
    expect(issues.filter(({ severity }) => severity === "error")).not.toEqual([]);
    expect(issues.every(({ fix }) => fix !== undefined && fix !== "")).toBe(true);
    expectIssues(fixture, issues);
  });
});

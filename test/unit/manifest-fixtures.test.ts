import { describe, expect, test } from "vitest";
import { parseManifest } from "../../components/manifest/parse.ts";
import { expectIssues, fixturesIn, issueLines } from "../support/fixtures.ts";

describe("a good manifest is read without a word", () => {
  test.each(fixturesIn("manifests/good"))("$name", ({ name, text }) => {
    const { value, issues } = parseManifest(text, `app/${name}`);
    expect(issueLines(issues)).toBe("");
    expect(value).toBeDefined();
  });
});

describe("a bad manifest is refused with the messages beside it", () => {
  test.each(fixturesIn("manifests/bad"))("$name", (fixture) => {
    const { value, issues } = parseManifest(fixture.text, `app/${fixture.name}`);
    expect(value).toBeUndefined();
    expect(issues.filter(({ severity }) => severity === "error")).not.toEqual([]);
    expect(issues.every(({ fix }) => fix !== undefined && fix !== "")).toBe(true);
    expectIssues(fixture, issues);
  });
});

import { describe, expect, test } from "vitest";
import { codes } from "../../scripts/docs/codes.ts";
import type { CodeEntry } from "../../components/text/code.ts";
import { runExample } from "../../scripts/docs/code-examples.ts";

const entries = Object.entries<CodeEntry>(codes);
const withExample = entries.filter(([, { example }]) => Object.keys(example).length > 0);

describe("the example of a code brings that code", () => {
  test.each(withExample.filter(([, { isLater }]) => isLater !== true))("%s", (code, { example }) => {
    const found = runExample(example).issues.map((issue) => issue.code);
    expect(found).toContain(code);
    // What an app.ini gets wrong in its form often makes a value wrong, too.
    if (!("app.ini" in example)) expect([...new Set(found)]).toEqual([code]);
  });
});

test("a code whose key is not built yet can't come up", () => {
  for (const [, { example, isLater }] of withExample) {
    if (isLater === true) expect(runExample(example).issues.map((issue) => issue.code)).toEqual(["not-yet"]);
  }
});

test("codes without an example are those that files alone can't bring", () => {
  const bare = entries.filter(([, { example }]) => Object.keys(example).length === 0).map(([code]) => code);
  expect(bare.sort()).toEqual(["lost-data", "missing-secret", "special-file", "unreadable"]);
});

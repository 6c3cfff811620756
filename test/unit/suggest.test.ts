import fc from "fast-check";
import { expect, test } from "vitest";
import { editDistance, suggest } from "../../components/text/suggest.ts";

const keys = ["name", "version", "runner", "packages", "processes", "timeouts", "default_location"];

test.each([
  ["runnr", "runner"],
  ["runenr", "runner"],
  ["Runner", "runner"],
  ["pakages", "packages"],
  ["process", "processes"],
  ["default-location", "default_location"],
  ["vresoin", "version"],
])("%s was meant to be %s", (word, meant) => {
  expect(suggest(word, keys)).toBe(meant);
});

test.each(["x", "", "na", "run", "database", "location", "constructor"])("%j is like none of the keys", (word) => {
  expect(suggest(word, keys)).toBeUndefined();
});

test("the nearest of several wins, and of equally near ones the first", () => {
  expect(suggest("workr", ["worked", "worker"])).toBe("worker");
  expect(suggest("wrker", ["worker", "wraker"])).toBe("worker");
});

test("one edit away are a letter more, less, changed, or two swapped", () => {
  expect(["abcd", "abxcd", "ab", "axc", "bac"].map((word) => editDistance("abc", word))).toEqual([1, 2, 1, 1, 1]);
});

test("the distance is the same both ways, nothing for a word itself, and at most the longer word", () => {
  const word = fc.string({ maxLength: 12, unit: fc.constantFrom("a", "b", "c") });
  fc.assert(
    fc.property(word, word, (one, other) => {
      expect(editDistance(one, other)).toBe(editDistance(other, one));
      expect(editDistance(one, other) === 0).toBe(one === other);
      expect(editDistance(one, other)).toBeLessThanOrEqual(Math.max(one.length, other.length));
    }),
  );
});

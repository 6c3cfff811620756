import { expect, test } from "vitest";
import { parseSince } from "../../cli/since.ts";

test.each([
  ["90s", 99_910],
  ["10m", 99_400],
  ["2h", 92_800],
  ["1d", 13_600],
  ["2d", 0],
  ["1970-01-01T01:00Z", 3600],
])("--since %s is a moment", (text, moment) => {
  expect(parseSince(text, 100_000)).toBe(moment);
});

test.each(["", "yesterday", "10", "10w", "-10m", "2026-13-01", "1969-12-31"])("--since %j is refused with an example", (text) => {
  expect(() => parseSince(text, 100_000)).toThrow("--since is");
});

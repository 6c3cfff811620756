// What is made of the samples: never the speeds themselves.
import { expect, test } from "vitest";
import { renderChart } from "../../bench/support/chart.ts";
import { judge, spreadOf } from "../../bench/support/figure.ts";
import type { Figure } from "../../bench/support/figure.ts";
import { renderTable } from "../../bench/support/report.ts";
import { mergeResults } from "../../bench/support/results.ts";
import type { Result } from "../../bench/support/results.ts";

const figure: Figure = { what: "`a`", unit: "s", values: [3, 1, 2], beside: { what: "floor", values: [1, 1, 4, 2] } };

const result = (name: string, figures: Figure[]): Result => ({
  name,
  title: `Title of ${name}`,
  how: "",
  date: "2026-11-21",
  machine: "",
  figures,
});

test("the middle of an odd and of an even number of samples", () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
  expect(spreadOf([1, 1, 4, 2])).toEqual({ median: 1.5, least: 1, most: 4 });
  expect(() => spreadOf([])).toThrow("nothing was measured");
});

test.each([
  [
    { kind: "limit", atMost: 2 },
    { value: 2, met: true },
  ],
  [
    { kind: "limit", atMost: 2, by: "most" },
    { value: 3, met: false },
  ],
  [
    { kind: "ratio", atMost: 1.3 },
    { value: 2 / 1.5, met: false },
  ],
  [
    { kind: "above", atMost: 0.5 },
    { value: 0.5, met: true },
  ],
  [
    { kind: "share", atLeast: 1.5 },
    { value: 2 / 1.5, met: false },
  ],
] as const)("%o", (goal, verdict) => {
  expect(judge(figure, goal)).toEqual(verdict);
});

test("a goal that is missed is said plainly", () => {
  const table = renderTable([
    result("one", [
      { ...figure, goal: { kind: "ratio", atMost: 1.3 } },
      { ...figure, goal: { kind: "above", atMost: 0.5 } },
      { ...figure, unit: "a second", values: [4000], goal: { kind: "share", atLeast: 0.9 } },
      { what: "requests failed", unit: "requests", values: [0, 0, 1], goal: { kind: "limit", atMost: 0, by: "most" } },
    ]),
  ]);
  expect(table.split("\n").slice(2, -1)).toEqual([
    "| `one` | `a` | 2.00 s (1.00 to 3.00) | 1.50 s (1.00 to 4.00): floor | **not met**: 1.33 times, at most 1.3 times |",
    "| `one` | `a` | 2.00 s (1.00 to 3.00) | 1.50 s (1.00 to 4.00): floor | met: 0.50 s above, at most 0.5 s |",
    "| `one` | `a` | 4,000 a second | 2 a second (1 to 4): floor | met: 2666.67 times, at least 0.9 times |",
    "| `one` | requests failed | 0 (0 to 1) |  | **not met**: 1, at most 0 |",
  ]);
});

test("a bench that was measured alone leaves the figures of the others as they are", () => {
  const old = [result("one", []), result("two", [figure])];
  const again = result("one", [figure]);
  expect(mergeResults(old, [again], ["two", "one", "three"])).toEqual([old[1], again]);
});

test("the picture has a bar for each side, and words that are no markup", () => {
  const picture = renderChart([result("one", [{ ...figure, what: "a < b & c", goal: { kind: "limit", atMost: 9 } }])]);
  expect(picture.match(/<rect class="(ours|beside)"/g)).toHaveLength(4);
  expect(picture).toContain("a &lt; b &amp; c");
  expect(picture).toContain("prefers-color-scheme: dark");
});

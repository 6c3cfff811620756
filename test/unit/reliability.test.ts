import { expect, test } from "vitest";
import { columnOf, readColumns, renderColumns, replaceColumn } from "../../scripts/reliability/table.ts";

const facts = { date: "2026-01-02", commit: "abc1234", machine: "2 cores" };
const debian = columnOf("debian-12", facts, [
  { file: "test/nodes/a.test.ts", passed: 3, failed: ["a | b"], skipped: ["it | c"], seconds: 61 },
  { file: "test/nodes/b.test.ts", passed: 2, failed: [], skipped: [], seconds: 5 },
]);
const ubuntu = columnOf("ubuntu-24.04", facts, [
  { file: "test/nodes/b.test.ts", passed: 2, failed: [], skipped: [], seconds: 4 },
]);

test("a page says of each run when, of what and where it was, and of each file what did not pass", () => {
  expect(renderColumns([debian, ubuntu])).toContain(`
|  | debian-12 | ubuntu-24.04 |
| --- | --- | --- |
| date | 2026-01-02 | 2026-01-02 |
| commit | abc1234 | abc1234 |
| machine | 2 cores | 2 cores |
| test/nodes/a.test.ts | 3 passed · **1 failed**: a \\| b · **1 skipped**: it \\| c · 61 s |  |
| test/nodes/b.test.ts | 2 passed · 5 s | 2 passed · 4 s |
`);
});

test("a run replaces its own column and leaves the others as they were", () => {
  const page = renderColumns([debian, ubuntu]);
  const again = columnOf("debian-12", { ...facts, commit: "def5678" }, []);
  expect(readColumns(page)).toEqual([debian, ubuntu]);
  expect(replaceColumn(readColumns(page), again)).toEqual([again, ubuntu]);
  expect(replaceColumn(readColumns(""), again)).toEqual([again]);
});

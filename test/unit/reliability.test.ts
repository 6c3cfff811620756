import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { attacks } from "../../scripts/reliability/attacks.ts";
import { serviceRows, withServiceRows } from "../../scripts/reliability/service-table.ts";
import { aspects, serviceTests, withoutRow } from "../../scripts/reliability/service-tests.ts";
import { serviceTypes } from "../../components/services/registry.ts";
import { columnOf, mended, readColumns, renderColumns, replaceColumn } from "../../scripts/reliability/table.ts";

const facts = { date: "2026-01-02", commit: "abc1234", machine: "2 cores" };
const debian = columnOf("debian-12", facts, [
  {
    file: "test/nodes/a.test.ts",
    passed: ["one", "two", "three"],
    failed: [{ name: "a | b", message: "Error: c" }],
    skipped: ["it | c"],
    seconds: 61,
  },
  { file: "test/nodes/b.test.ts", passed: ["one", "two"], failed: [], skipped: [], seconds: 5 },
]);
const ubuntu = columnOf("ubuntu-24.04", facts, [
  { file: "test/nodes/b.test.ts", passed: ["one", "two"], failed: [], skipped: [], seconds: 4 },
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

test("files that ran again replace their cells alone, with the commit where it is another", () => {
  const fixed = [{ file: "test/nodes/a.test.ts", passed: ["1", "2", "3", "4", "5"], failed: [], skipped: [], seconds: 60 }];
  const cells = (commit: string) => mended(debian, columnOf("debian-12", { ...facts, commit }, fixed)).cells;
  expect(cells("def5678")).toEqual({ ...debian.cells, "test/nodes/a.test.ts": "5 passed · 60 s · def5678" });
  expect(cells("abc1234")["test/nodes/a.test.ts"]).toBe("5 passed · 60 s");
});

const root = resolve(import.meta.dirname, "../..");

/** What the tests of a file, and groups of them, are called. In Python they are classes and their methods. */
const namesIn = (file: string): string[] => {
  const text = readFileSync(join(root, file), "utf8");
  const found = file.endsWith(".py")
    ? text.matchAll(/^ *((?:def|class) [^:]*)/gm)
    : // Behind `test.each([…])(`, too.
      text.matchAll(/(?:\b(?:test|describe)(?:\.\w+)*|\))\(\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)/g);
  return [...found].map((each) => each.slice(1).join(""));
};

test.each(attacks)("there is a test against this: $attack", ({ file, test: name }) => {
  expect(namesIn(file)).toContainEqual(expect.stringContaining(name));
});

const shownByTests = Object.entries(serviceTests).flatMap(([type, shown]) =>
  aspects.flatMap((aspect) => {
    const each = shown[aspect];
    return "none" in each ? [] : [{ type, aspect, ...each }];
  }),
);

test.each(shownByTests)("there is a test that shows of $type: $aspect", ({ file, test: name }) => {
  expect(namesIn(file)).toContainEqual(expect.stringContaining(name));
});

test("every type of service is in the table, or it is said why it is not", () => {
  const said = [...Object.keys(serviceTests), ...Object.keys(withoutRow)];
  expect(said.toSorted()).toEqual([...Object.keys(serviceTypes), "external"].sort());
  const [, last] = readFileSync(join(root, "docs/services.md"), "utf8").split("Without a row:");
  for (const type of Object.keys(withoutRow)) expect(last).toContain(`\`${type}\``);
});

test("a run replaces the rows of its system, and says what passed, what did not, and what there is not to show", () => {
  const of = (type: string) => shownByTests.filter((each) => each.type === type);
  const results = (type: string, broken = "") =>
    [...new Set(of(type).map(({ file }) => file))].map((file) => {
      const names = of(type)
        .filter((each) => each.file === file)
        .map((each) => `on debian-12 ${each.test}, and more`);
      return {
        file,
        passed: names.filter((name) => !name.includes(broken) || broken === ""),
        failed: names.filter((name) => broken !== "" && name.includes(broken)).map((name) => ({ name, message: "" })),
        skipped: [],
        seconds: 1,
      };
    });
  const page = withServiceRows("# Services\n\n", serviceRows("debian-12", facts, results("memcached")), ["debian-12"]);
  expect(page).toContain("| memcached | debian-12 | 2026-01-02 abc1234 | ✓ | ✓ | ✓ | ✓ | ✓ | ✓ | ✓ | ✓ | (2) |\n");
  expect(page).toContain("| files | debian-12 | not run |");
  expect(page).toContain("(2) it keeps nothing.");
  const later = serviceRows("debian-12", { ...facts, commit: "def5678" }, results("memcached", "a crash restarts them"));
  expect(withServiceRows(page, later, ["debian-12"])).toContain("def5678 | ✓ | ✓ | ✓ | ✓ | ✓ | ✓ | ✓ | **✗** | (2) |\n");
  expect(withServiceRows(page, [], ["debian-12"])).toBe(page);
});

import { expect, it } from "vitest";
import { runAgain } from "../../scripts/run-again.ts";
import type { FileResult } from "../../scripts/test-report.ts";

const late = { name: "is there", message: "not there after 30 s" };

const passing = (file: string): FileResult => ({ file, passed: ["is there"], failed: [], skipped: [], seconds: 1 });
const failing = (file: string): FileResult => ({ ...passing(file), passed: [], failed: [late] });

it("runs a failing file once more, and tells what passed then as unsteady", () => {
  const ran: string[] = [];
  const first = [passing("test/nodes/a.test.ts"), failing("test/nodes/b.test.ts"), failing("test/process/c.test.ts")];
  const results = runAgain(first, (layer, file) => {
    ran.push(`${layer} ${file}`);
    return [file.includes("/b.") ? passing(file) : failing(file)];
  });
  expect(ran).toEqual(["nodes test/nodes/b.test.ts", "process test/process/c.test.ts"]);
  expect(results).toEqual([first[0], { ...passing("test/nodes/b.test.ts"), unsteady: [late] }, first[2]]);
});

it.each([
  ["a test that no process can disturb", [failing("test/unit/a.test.ts")]],
  ["an error outside any test", [failing("outside any test")]],
  ["many files: they are broken", ["a", "b", "c", "d"].map((name) => failing(`test/nodes/${name}.test.ts`))],
])("does not run again %s", (_, first) => {
  const results = runAgain(first, () => {
    throw new Error("It ran again.");
  });
  expect(results).toEqual(first);
});

it.each([
  ["nothing was found to run", []],
  ["an error came outside any test", [passing("test/nodes/a.test.ts"), failing("outside any test")]],
])("keeps the first failure where %s", (_, second: FileResult[]) => {
  const first = [failing("test/nodes/a.test.ts")];
  expect(runAgain(first, () => second)).toEqual(first);
});

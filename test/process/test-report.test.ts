import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { FileResult } from "../../scripts/test-report.ts";

const scripts = join(import.meta.dirname, "../../scripts/vitest.ts");

/** What `runVitest` returns for these test files, and what `tellFailures` says of it. */
function run(files: Record<string, string>): { results: FileResult[]; told: string } {
  const directory = mkdtempSync(join(tmpdir(), "silver-report-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    writeFileSync(join(directory, "vitest.config.mjs"), "export default { test: { globals: true, include: ['*.test.js'] } };");
    const program = `import { runVitest, tellFailures } from ${JSON.stringify(scripts)};
const results = runVitest(["--root", ${JSON.stringify(directory)}]);
console.log("MARK" + JSON.stringify(results));
tellFailures(results);`;
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      cwd: directory,
      stdio: "pipe",
    });
    const [, json = "", told = ""] = /MARK(.*)\n([^]*)$/.exec(out) ?? [];
    return { results: JSON.parse(json) as FileResult[], told };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

it("tells what failed around tests as it tells a failed test", () => {
  const { results, told } = run({
    "file.test.js": "beforeAll(() => { throw new Error('no such node'); }); it('one', () => {}); it.skip('two', () => {});",
    "suite.test.js": "describe('a wiki', () => { afterAll(() => { throw new Error('still there'); }); it('three', () => {}); });",
    "load.test.js": "import './absent.js'; it('four', () => {});",
    "plain.test.js": "it('five', () => { expect(1).toBe(2); }); it('six', () => {}); it('seven', ({ skip }) => skip());",
    "late.test.js": "it('eight', () => { Promise.reject(new Error('nobody waits')); });",
  });
  const of = (file: string) => results.find((each) => each.file === file);
  expect(of("file.test.js")).toMatchObject({ passed: [], failed: [{ name: "the file, or a hook of it" }], skipped: ["two"] });
  expect(of("suite.test.js")).toMatchObject({
    passed: ["a wiki > three"],
    failed: [{ name: 'a hook of "a wiki"' }],
    skipped: [],
  });
  expect(of("load.test.js")).toMatchObject({ passed: [], failed: [{ name: "the file, or a hook of it" }] });
  expect(of("plain.test.js")).toMatchObject({ passed: ["six"], failed: [{ name: "five" }], skipped: ["seven"] });
  expect(of("late.test.js")).toMatchObject({ passed: ["eight"], failed: [] });
  expect(of("outside any test")).toMatchObject({ failed: [{ name: "an error" }] });
  for (const reason of ["no such node", "still there", "absent.js", "expected 1 to be 2", "nobody waits"]) {
    expect(told).toContain(reason);
  }
});

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

/** The part of a test in vitest's JSON report that is read here. */
interface ReportedTest {
  status: string;
  fullName: string;
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  testResults: {
    name: string;
    status: string;
    startTime: number;
    endTime: number;
    assertionResults: ReportedTest[];
  }[];
}

/** How the tests of one file ended, by their names. */
export interface FileResult {
  /** Path below the checkout. */
  file: string;
  passed: number;
  failed: string[];
  skipped: string[];
  seconds: number;
}

/** Runs vitest, with its own output on the screen. Errors outside a test count as failures, too. */
export function runVitest(words: readonly string[], environment: Record<string, string> = {}): FileResult[] {
  const directory = mkdtempSync(join(tmpdir(), "silver-test-"));
  const reportFile = join(directory, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`];
  const run = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...reporters, ...words], {
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  try {
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as Report;
    const results = report.testResults.map(resultOf);
    // vitest itself may fail without a test failing.
    const unnoticed = run.status !== 0 && results.every(({ failed }) => failed.length === 0);
    return unnoticed ? [...results, broken("vitest", `it ended with exit code ${run.status ?? "none"}`)] : results;
  } catch {
    const how = run.signal ?? `exit code ${run.status ?? "none"}`;
    console.error(`✗ vitest wrote no report: it ended with ${how} before the tests did.`);
    return [broken("vitest", `it ended with ${how} before the tests did`)];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function resultOf({ name, status, startTime, endTime, assertionResults }: Report["testResults"][number]): FileResult {
  const file = relative(process.cwd(), name);
  const named = (wanted: (status: string) => boolean): string[] =>
    assertionResults.filter((test) => wanted(test.status)).map(({ fullName }) => fullName);
  // A file that could not be loaded has no tests to count.
  const unloaded = status === "failed" && assertionResults.length === 0;
  return {
    file,
    passed: named((each) => each === "passed").length,
    failed: unloaded ? ["the file could not be loaded"] : named((each) => each === "failed"),
    skipped: named((each) => each !== "passed" && each !== "failed"),
    seconds: Math.round((endTime - startTime) / 1000),
  };
}

const broken = (file: string, why: string): FileResult => ({ file, passed: 0, failed: [why], skipped: [], seconds: 0 });

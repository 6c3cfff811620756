import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Failure, FileResult } from "./test-report.ts";

/** Runs vitest, with its own output on the screen. Errors outside a test count as failures, too. */
export function runVitest(words: readonly string[], environment: Record<string, string> = {}): FileResult[] {
  const directory = mkdtempSync(join(tmpdir(), "silver-test-"));
  const reportFile = join(directory, "report.json");
  const reporters = ["--reporter=default", `--reporter=${join(import.meta.dirname, "test-report.ts")}`];
  const run = spawnSync(process.execPath, [vitest, "run", ...reporters, ...words], {
    stdio: "inherit",
    env: { ...process.env, ...environment, SILVER_TEST_REPORT: reportFile },
  });
  try {
    const results = JSON.parse(readFileSync(reportFile, "utf8")) as FileResult[];
    // vitest itself may fail without a test failing.
    const unnoticed = run.status !== 0 && results.every(({ failed }) => failed.length === 0);
    return unnoticed ? [...results, broken(`it ended with exit code ${run.status ?? "none"}`)] : results;
  } catch {
    const how = run.signal ?? `exit code ${run.status ?? "none"}`;
    console.error(`✗ vitest wrote no report: it ended with ${how} before the tests did.`);
    return [broken(`it ended with ${how} before the tests did`)];
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const vitest = join(import.meta.dirname, "../node_modules/vitest/vitest.mjs");

/** Says every failure once more, with its reason: where it happened may be half an hour above. First what passed when it ran again. */
export function tellFailures(results: readonly FileResult[]): void {
  const tell = (mark: string, file: string, { name, message }: Failure) => {
    console.log(`${mark} ${file}, ${name}\n${message.replaceAll(/^(?=.)/gm, "    ")}`);
  };
  for (const { file, unsteady } of results)
    for (const failure of unsteady ?? []) tell("⚠ unsteady, passed when run again:", file, failure);
  for (const { file, failed } of results) for (const failure of failed) tell("✗", file, failure);
}

const broken = (why: string): FileResult => ({
  file: "vitest",
  passed: [],
  failed: [{ name: why, message: "" }],
  skipped: [],
  seconds: 0,
});

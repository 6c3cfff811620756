// vitest's reporter: writes how each file ended, as a list of `FileResult`, into the file that SILVER_TEST_REPORT names.
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { Reporter, SerializedError, TestModule } from "vitest/node";

/** What failed, by its name, and why. */
export interface Failure {
  name: string;
  message: string;
}

/** How the tests of one file ended, by their names. */
export interface FileResult {
  /** Path below the checkout. */
  file: string;
  passed: string[];
  /** Tests, and what went wrong around them: a file that does not load, a hook, an error outside any test. */
  failed: Failure[];
  /** What failed at first, where a second run of the whole file passed (`run-again.ts`). */
  unsteady?: Failure[];
  skipped: string[];
  seconds: number;
}

export default class TestReport implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], outside: readonly SerializedError[]): void {
    const file = process.env.SILVER_TEST_REPORT;
    if (file === undefined) throw new Error("Could not write the report: set SILVER_TEST_REPORT to its file.");
    const results = modules.map(resultOf);
    if (outside.length > 0) results.push({ ...empty, file: "outside any test", failed: outside.map(failure("an error")) });
    writeFileSync(file, JSON.stringify(results));
  }
}

const empty = { passed: [], failed: [], skipped: [], seconds: 0 };

function resultOf(module: TestModule): FileResult {
  const around = [
    ...module.errors().map(failure("the file, or a hook of it")),
    ...[...module.children.allSuites()].flatMap((suite) => suite.errors().map(failure(`a hook of "${suite.fullName}"`))),
  ];
  const tests = [...module.children.allTests()];
  const failed = tests.flatMap((test) => {
    const { state, errors } = test.result();
    return state === "failed" ? errors.map(failure(test.fullName)) : [];
  });
  return {
    file: relative(process.cwd(), module.moduleId),
    passed: tests.filter((test) => test.result().state === "passed").map((test) => test.fullName),
    failed: [...around, ...failed],
    // What a failed hook kept from running was not skipped by anyone's choice.
    skipped: tests
      .filter((test) => ["skipped", "pending"].includes(test.result().state))
      .filter((test) => around.length === 0 || test.options.mode !== "run")
      .map((test) => test.fullName),
    seconds: Math.round(module.diagnostic().duration / 1000),
  };
}

const failure =
  (name: string) =>
  ({ message, stack }: SerializedError): Failure => ({ name, message: stack ?? message });

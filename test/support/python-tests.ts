/** Tests that are Python because what they test is: run once, each of them told under its own name. */
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { inOwnNetwork } from "./own-network.ts";

const tests = resolve(import.meta.dirname, "..");

export interface PythonResult {
  name: string;
  outcome: "passed" | "failed";
  /** Why it failed. */
  words: string;
}

export interface PythonRun {
  /** How the interpreter itself ended; a failed test is no error of it. */
  ended: { error: Error | undefined; signal: NodeJS.Signals | null; stderr: string };
  results: PythonResult[];
}

/**
 * @param folder a folder of test/ with `test_*.py`
 */
export function runPythonTests(folder: string): PythonRun {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  const [program, ...words] = inOwnNetwork(["python3", join(tests, "support/report.py"), join(tests, folder)]);
  const run = spawnSync(program, words, { encoding: "utf8", env });
  const lines = run.stdout.split("\n").filter((line) => line !== "");
  return {
    ended: { error: run.error, signal: run.signal, stderr: run.stderr },
    results: lines.map((line) => JSON.parse(line) as PythonResult),
  };
}

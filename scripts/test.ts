// Runs the test layers that this machine can run, says which it can't and why, and ends with one line of counts.
// Arguments: names of layers (default: all); anything else goes to vitest. In CI (CI=true) nothing may be skipped.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

/** The part of vitest's JSON report that is read here. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { name: string; status: string; assertionResults: { status: string; fullName: string }[] }[];
}

interface Counts {
  passed: number;
  failed: number;
  skipped: SkippedTest[];
}

interface SkippedTest {
  /** Path below the checkout. */
  file: string;
  name: string;
}

const allLayers = ["unit", "process", "mocks", "golden", "engine", "upgrade", "nodes"];

/** Why this machine can't run a layer; undefined when it can. */
function obstacleOf(layer: string): string | undefined {
  if (layer !== "nodes") return undefined;
  if (process.platform !== "linux") return `local nodes need Linux, and this is ${process.platform}`;
  if (process.getuid?.() !== 0) return "local nodes need root: sudo npm test";
  return undefined;
}

/** The real command plugin where this checkout found one: a link, which the stand-in is not. */
function realPlugin(): string | undefined {
  try {
    return readlinkSync(join(process.env.PULUMI_HOME ?? "", "plugins/resource-command-v1.2.1/pulumi-resource-command"));
  } catch {
    return undefined;
  }
}

/** Runs vitest, with its own output on the screen. */
function runVitest(words: string[], environment: Record<string, string> = {}): Counts {
  const directory = mkdtempSync(join(tmpdir(), "silver-test-"));
  const reportFile = join(directory, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`];
  const run = spawnSync(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...reporters, ...words], {
    stdio: "inherit",
    env: { ...process.env, ...environment },
  });
  try {
    const report = JSON.parse(readFileSync(reportFile, "utf8")) as Report;
    // A file that could not be loaded has no tests to count; and vitest itself may fail without a test failing.
    const broken = report.testResults.filter(
      ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
    );
    const failed = report.numFailedTests + broken.length;
    return {
      passed: report.numPassedTests,
      failed: failed === 0 && run.status !== 0 ? 1 : failed,
      skipped: report.testResults.flatMap(({ name: file, assertionResults }) =>
        assertionResults
          .filter(({ status }) => status !== "passed" && status !== "failed")
          .map(({ fullName }) => ({ file: relative(process.cwd(), file), name: fullName })),
      ),
    };
  } catch {
    console.error("✗ vitest wrote no report: it ended before the tests did.");
    return { passed: 0, failed: 1, skipped: [] };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const words = process.argv.slice(2);
const named = words.filter((word) => allLayers.includes(word));
const layers = named.length > 0 ? named : allLayers;
const able = layers.filter((layer) => obstacleOf(layer) === undefined);
const skippedLayers = layers.filter((layer) => !able.includes(layer));

const runs: Counts[] = [];
if (able.length > 0) {
  console.log(`Layers: ${able.join(", ")}`);
  const rest = words.filter((word) => !allLayers.includes(word));
  runs.push(runVitest([...able.flatMap((layer) => ["--project", layer]), ...rest]));
}
// The same table of behaviours for the real plugin and for our stand-in.
const plugin = realPlugin();
if (plugin !== undefined && able.includes("engine") && words.length === named.length) {
  console.log(`The command plugin's tests once more, with ${plugin}`);
  runs.push(runVitest(["--project", "engine", "command-plugin"], { SILVER_COMMAND_PLUGIN: plugin }));
}

const passed = runs.reduce((sum, counts) => sum + counts.passed, 0);
const failed = runs.reduce((sum, counts) => sum + counts.failed, 0);
const skipped = runs.flatMap((counts) => counts.skipped);
for (const layer of skippedLayers) console.log(`Layer ${layer} was skipped: ${obstacleOf(layer) ?? ""}.`);
for (const { file, name } of skipped) console.log(`Test skipped, as it says itself above: ${file}, ${name}`);
const mustRun = skippedLayers.length > 0 || skipped.length > 0;
const skippedInCi = process.env.CI === "true" && mustRun;
if (skippedInCi) console.log("✗ In CI these must run.");
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 || skippedInCi ? 1 : 0;

// Runs the test layers that this machine can run, reports which it can't and why, and ends with one line of counts.
// Arguments: names of layers (default: all); anything else goes to vitest. In CI (CI=true) nothing may be skipped.
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { runNodes } from "./nodes.ts";
import { runAgain } from "./run-again.ts";
import { runVitest, tellFailures } from "./vitest.ts";
import type { FileResult } from "./test-report.ts";

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

const words = process.argv.slice(2);
const named = words.filter((word) => allLayers.includes(word));
const layers = named.length > 0 ? named : allLayers;
const able = layers.filter((layer) => obstacleOf(layer) === undefined);
const skippedLayers = layers.filter((layer) => !able.includes(layer));

const ran: FileResult[] = [];
const whole = words.length === named.length;
if (able.length > 0) {
  console.log(`Layers: ${able.join(", ")}`);
  const rest = words.filter((word) => !allLayers.includes(word));
  const others = whole ? able.filter((layer) => layer !== "nodes") : able;
  if (others.length > 0) ran.push(...runVitest([...others.flatMap((layer) => ["--project", layer]), ...rest]));
  if (whole && able.includes("nodes")) ran.push(...runNodes());
}
// The same table of behaviours for the real plugin and for our stand-in.
const plugin = realPlugin();
if (plugin !== undefined && able.includes("engine") && whole) {
  console.log(`The command plugin's tests once more, with ${plugin}`);
  ran.push(...runVitest(["--project", "engine", "command-plugin"], { SILVER_COMMAND_PLUGIN: plugin }));
}

const results = runAgain(ran, (layer, file) => {
  console.log(`Once more, by itself: ${file}`);
  return runVitest(["--project", layer, file]);
});

const passed = results.reduce((sum, result) => sum + result.passed.length, 0);
const failed = results.reduce((sum, result) => sum + result.failed.length, 0);
const skipped = results.flatMap((result) => result.skipped.map((name) => ({ file: result.file, name })));
for (const layer of skippedLayers) console.log(`Layer ${layer} was skipped: ${obstacleOf(layer) ?? ""}.`);
for (const { file, name } of skipped) console.log(`Test skipped, as it says itself above: ${file}, ${name}`);
tellFailures(results);
const mustRun = skippedLayers.length > 0 || skipped.length > 0;
const skippedInCi = process.env.CI === "true" && mustRun;
if (skippedInCi) console.log("✗ In CI these must run.");
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`);
process.exitCode = failed > 0 || passed === 0 || skippedInCi ? 1 : 0;

// Everything that `npm test` leaves out: the node tests on every system, and soaks. Writes the results into docs/reliability.md and docs/services.md.
// Arguments: names of systems, or `soak`; default: all. Each run replaces its own columns of the table; an interrupted
// run has written those that were done. After a system, words of the names of test files: only those run, and only their cells are new.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { systemNames } from "../components/systems/systems.ts";
import { serviceRows, withServiceRows } from "./reliability/service-table.ts";
import { columnOf, mended, readColumns, renderColumns, replaceColumn } from "./reliability/table.ts";
import type { Facts } from "./reliability/table.ts";
import { runNodes } from "./nodes.ts";
import { runVitest, tellFailures } from "./vitest.ts";
import type { FileResult } from "./test-report.ts";

const page = join(import.meta.dirname, "../docs/reliability.md");
const servicesPage = join(import.meta.dirname, "../docs/services.md");

/** Column → what runs for it. A soak repeats the random tests long enough to find rare failures. */
const runs: Record<string, () => FileResult[]> = {
  ...Object.fromEntries(systemNames.map((os) => [os, () => runNodes({ SILVER_TEST_OS: os })])),
  soak: () => [
    ...runVitest(["--project", "process", "fuzz", "rollout-deploy"], { SILVER_SOAK: "20" }),
    // Some two hundred retirements, on either Varnish. What it leaves out was not to run.
    ...runVitest(["--project", "nodes", "test/nodes/rollout.test.ts", "-t", "Varnish survives"], { SILVER_SOAK: "70" }).map(
      (result) => ({ ...result, skipped: [] }),
    ),
  ],
};

const wanted = process.argv.slice(2);
const names = wanted.filter((name) => name in runs);
const files = wanted.filter((name) => !(name in runs));
if (files.length > 0 && !(names.length === 1 && names[0] !== "soak")) {
  console.error(
    `✗ test:all knows no ${files.join(", ")}: name any of ${Object.keys(runs).join(", ")}, or files after one system.`,
  );
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const [name, start] of Object.entries(runs)) {
  if (names.length > 0 && !names.includes(name)) continue;
  console.log(`Running ${[name, ...files].join(" ")}`);
  const results = files.length > 0 ? runVitest(["--project", "nodes", ...files], { SILVER_TEST_OS: name }) : start();
  tellFailures(results);
  passed += results.reduce((sum, result) => sum + result.passed.length, 0);
  failed += results.reduce((sum, result) => sum + result.failed.length, 0);
  const before = existsSync(page) ? readColumns(readFileSync(page, "utf8")) : [];
  const run = facts();
  const found = columnOf(name, run, results);
  const old = files.length > 0 ? before.find((column) => column.name === name) : undefined;
  const columns = replaceColumn(before, old === undefined ? found : mended(old, found));
  await write(page, renderColumns(columns));
  await write(servicesPage, withServiceRows(readFileSync(servicesPage, "utf8"), serviceRows(name, run, results), systemNames));
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

async function write(file: string, text: string): Promise<void> {
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), parser: "markdown" }));
}

/** The facts of the run that just ended. */
function facts(): Facts {
  const git = (...words: string[]): string => execFileSync("git", words, { encoding: "utf8" }).trim();
  // The pages themselves change with every column.
  const changed =
    git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/reliability.md", ":!docs/services.md") !== "";
  const cgroups = existsSync("/sys/fs/cgroup/cgroup.controllers")
    ? "cgroup v2"
    : "cgroup v1, limits of memory and tasks not enforced";
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: `${git("rev-parse", "--short", "HEAD")}${changed ? " and changes" : ""}`,
    machine: `${cpus().length} cores, ${Math.round(totalmem() / 1024 ** 3)} GB, Linux ${release()}, ${cgroups}`,
  };
}

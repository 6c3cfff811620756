/**
 * One process of the bench `plan`: node plan-times.ts remember|plan|files|read ROOT BEFORE.
 * `remember` writes what is planned now to the file BEFORE; `plan` prints the times of a plan and its comparison with that;
 * `files` does the same with a clock around each call of node:fs; `read` prints the time of reading and hashing the same files.
 */
import { hash } from "node:crypto";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { planChanges } from "../../components/plan/changes.ts";
import type { Rendered } from "../../components/plan/changes.ts";
import { loadPlan } from "../../components/plan/load.ts";
import type { Plan } from "../../components/plan/plan.ts";
import { canonicalJson } from "../../components/render/canonical-json.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { renderRelease } from "../../components/render/release.ts";

/** Milliseconds. */
export interface PlanTimes {
  whole: number;
  /** In the synchronous calls of node:fs; 0 where no clock is around them. */
  files: number;
  load: number;
  render: number;
  compare: number;
  /** The whole plan, a second time. */
  again: number;
}

/** Milliseconds spent so far in calls of node:fs. */
let inFiles = 0;

/** Puts a clock around every synchronous call of node:fs, for all modules. */
function clockFiles(): void {
  const functions = fs as unknown as Record<string, unknown>;
  let depth = 0;
  for (const [name, original] of Object.entries(functions)) {
    if (!name.endsWith("Sync") || typeof original !== "function") continue;
    const clocked = (...words: unknown[]): unknown => {
      const start = performance.now();
      depth++;
      try {
        return Reflect.apply(original, fs, words);
      } finally {
        // One that calls another counts once.
        if (--depth === 0) inFiles += performance.now() - start;
      }
    };
    functions[name] = Object.assign(clocked, original);
  }
  syncBuiltinESMExports();
}

function planned(root: string): Plan {
  const { value, issues } = loadPlan(root, "test");
  if (value === undefined || issues.length > 0) throw new Error(JSON.stringify(issues, undefined, 2));
  return value;
}

function rendered(plan: Plan): Rendered {
  // As the program does, so that what goes to the nodes is there to the last byte.
  for (const node of plan.nodes) canonicalJson(renderNodeState(plan, node));
  return { plan, releases: Object.fromEntries(plan.sites.map((site) => [site.name, renderRelease(site).id])) };
}

/** @throws Error unless one site differs */
function timesOf(root: string, before: Rendered): Omit<PlanTimes, "again"> {
  inFiles = 0;
  const start = performance.now();
  const plan = planned(root);
  const loaded = performance.now();
  const files = inFiles;
  const after = rendered(plan);
  const made = performance.now();
  const { changes } = planChanges(before, after);
  const end = performance.now();
  if (changes.length !== 1) throw new Error(`one site was changed, and the plan tells ${changes.length} changes`);
  return { whole: end - start, files, load: loaded - start, render: made - loaded, compare: end - made };
}

function readAll(root: string): Omit<PlanTimes, "again"> {
  const start = performance.now();
  for (const entry of fs.readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) hash("sha256", fs.readFileSync(join(entry.parentPath, entry.name)));
  }
  const whole = performance.now() - start;
  return { whole, files: whole, load: 0, render: 0, compare: 0 };
}

const [word, root = "", before = ""] = process.argv.slice(2);
if (word === "remember") fs.writeFileSync(before, JSON.stringify(rendered(planned(root))));
else {
  const remembered = word === "read" ? undefined : (JSON.parse(fs.readFileSync(before, "utf8")) as Rendered);
  if (word === "files") clockFiles();
  const once = () => (remembered === undefined ? readAll(root) : timesOf(root, remembered));
  const first = once();
  const times: PlanTimes = { ...first, again: once().whole };
  console.log(JSON.stringify(times));
}

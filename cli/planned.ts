import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderIssues } from "../components/text/code-frame.ts";
import { isError, type Issue, type Parsed } from "../components/text/issue.ts";
import { whatStays } from "../components/plan/broken.ts";
import { loadPlan } from "../components/plan/load.ts";
import type { Plan } from "../components/plan/plan.ts";
import { UserError } from "./user-error.ts";

/** A plan, and the warnings about its files. */
interface Planned {
  plan: Plan;
  warnings: Issue[];
}

/**
 * The plan of an environment, without broken sites; prints issues like `silver validate`.
 * @param of what is planned, for the last line: the revision, unless it is the working tree
 * @throws UserError when there is none
 */
export function planOrReport(root: string, environment: string, of = ""): Planned {
  const loaded = loadPlan(root, environment);
  const plan = valueOrReport(loaded, root, `${environment} can't be planned as it is${of === "" ? "" : ` in ${of}`}`);
  return { plan, warnings: loaded.issues.filter((issue) => !isError(issue)) };
}

/**
 * The value that was read; prints issues like `silver validate`.
 * @throws UserError with `summary` when there is none
 */
export function valueOrReport<T>({ value, issues }: Parsed<T>, root: string, summary: string): T {
  if (value !== undefined) return value;
  report(root, issues);
  throw new UserError(summary);
}

/** Prints the issues of each broken site of a plan, and what happens to it. */
export function reportBroken(root: string, plan: Plan): void {
  for (const site of plan.broken) {
    report(root, site.issues);
    console.error(`\n${whatStays(plan, site)}\n`);
  }
}

function report(root: string, issues: Issue[]): void {
  console.error(renderIssues(issues, (file) => readText(join(root, file)), { colour: process.stderr.isTTY }));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** @throws UserError that names the existing sites */
export function noSite(environment: string, name: string, sites: readonly string[]): never {
  throw new UserError(`${environment} has no site ${name}`, `the sites are: ${sites.join(", ")}`, 2);
}

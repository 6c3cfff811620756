import { isError, type Issue, type Parsed } from "../components/text/issue.ts";
import { whatStays } from "../components/plan/broken.ts";
import { loadPlan } from "../components/plan/load.ts";
import type { Plan } from "../components/plan/plan.ts";
import { ownOf } from "../components/text/value.ts";
import { issuesText } from "./issues.ts";
import { environmentName } from "./pulumi.ts";
import { UserError } from "./user-error.ts";

/** A plan, and the warnings about its files. */
interface Planned {
  plan: Plan;
  warnings: Issue[];
}

/** An environment, or a file of it, that can't be read as it is. What is wrong has been printed. */
export class NotPlanned extends UserError {
  readonly issues: readonly Issue[];
  readonly environment: string | undefined;
  /** Whose files they are; empty: those here. */
  readonly revision: string;

  constructor(summary: string, issues: readonly Issue[], of: { environment?: string; revision?: string } = {}) {
    super(summary);
    this.issues = issues;
    this.environment = of.environment;
    this.revision = of.revision ?? "";
  }
}

/**
 * The plan of an environment, without broken sites; prints issues like `silver validate`.
 * @param of what is planned, for the last line: the revision, unless it is the working tree
 * @throws UserError when there is none
 */
export function planOrReport(root: string, environment: string, of = ""): Planned {
  const loaded = loadPlan(root, environment);
  const summary = `${environment} can't be planned as it is${of === "" ? "" : ` in ${of}`}`;
  const plan = valueOrReport(loaded, root, summary, { environment, revision: of });
  return { plan, warnings: loaded.issues.filter((issue) => !isError(issue)) };
}

/**
 * The value that was read; prints issues like `silver validate`.
 * @param of what it is about, where it is an environment
 * @throws NotPlanned with `summary` when there is none
 */
export function valueOrReport<T>(
  { value, issues }: Parsed<T>,
  root: string,
  summary: string,
  of: { environment?: string; revision?: string } = {},
): T {
  if (value !== undefined) return value;
  report(root, issues);
  throw new NotPlanned(summary, issues, of);
}

/** Prints the issues of each broken site of a plan, and what happens to it. */
export function reportBroken(root: string, plan: Plan): void {
  for (const site of plan.broken) {
    report(root, site.issues);
    console.error(`\n${whatStays(plan, site)}\n`);
  }
}

function report(root: string, issues: Issue[]): void {
  console.error(issuesText(issues, root, process.stderr));
}

/**
 * What is known of a site, of those by name.
 * @throws UserError that names the existing sites
 */
export function siteOf<T>(sites: Readonly<Record<string, T>>, name: string, environment: string | undefined): T {
  return ownOf(sites, name) ?? noSite(environmentName(environment), name, Object.keys(sites));
}

/** @throws UserError that names the existing sites */
export function noSite(environment: string, name: string, sites: readonly string[]): never {
  throw new UserError(`${environment} has no site ${name}`, `the sites are: ${sites.join(", ")}`, 2);
}

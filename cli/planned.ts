import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderIssues } from "../components/manifest/code-frame.ts";
import { loadPlan } from "../components/plan/load.ts";
import type { Plan } from "../components/plan/plan.ts";
import { UserError } from "./user-error.ts";

/**
 * The plan of an environment; what is wrong with it is told as `silver validate` tells it.
 * @param of what is planned, for the last line: the revision, where it is not the working tree
 * @throws UserError where there is none
 */
export function planOrReport(root: string, environment: string, of = ""): Plan {
  const { value, issues } = loadPlan(root, environment);
  if (value !== undefined) return value;
  console.error(renderIssues(issues, (file) => readText(join(root, file)), { colour: process.stderr.isTTY }));
  throw new UserError(`${environment} can't be planned as it is${of === "" ? "" : ` in ${of}`}`);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import type { Issue } from "../components/text/issue.ts";
import { printableJson } from "../components/text/printable.ts";
import { loadAppAlone, loadPlan } from "../components/plan/load.ts";
import { issuesText } from "./issues.ts";
import { notManifest } from "./not-manifest.ts";
import { root } from "./pulumi.ts";
import { UserError } from "./user-error.ts";

/** `silver validate`: checks everything that people wrote, offline: no node, no secret, no Pulumi. */
export function validate(program: Command): void {
  program
    .command("validate [path...]")
    .description("check apps, offline (default: all of them); with -e an environment and its apps")
    .action((paths: string[]) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      if (environment !== undefined && paths.length > 0)
        throw new UserError("give either paths or -e: an environment names its apps itself", undefined, 2);
      const apps = environment !== undefined ? [] : paths.length > 0 ? [...new Set(paths.map(appOf))] : everyApp();
      const issues =
        environment === undefined ? apps.flatMap((app) => loadAppAlone(root, app).issues) : loadPlan(root, environment).issues;
      report(issues, json === true, environment ?? `${apps.length} ${apps.length === 1 ? "app" : "apps"}`);
    });
}

/** The app at a path: its directory, or a manifest in it. */
function appOf(path: string): string {
  const absolute = resolve(path);
  if (!existsSync(absolute)) throw new UserError(`${path} does not exist`, undefined, 2);
  if (statSync(absolute).isDirectory()) return relative(root, absolute);
  const name = basename(absolute);
  if (name === "app.yaml" || name === "app.ini") return relative(root, dirname(absolute));
  const isEnvironment = dirname(absolute) === join(root, "stacks") && name.endsWith(".yaml");
  const environment = name.replace(/\.yaml$/, "");
  throw new UserError(
    isEnvironment ? `${path} is an environment` : `${path} is not a manifest`,
    isEnvironment
      ? `silver validate -e ${environment} checks it with its apps`
      : notManifest(name, "name an app's directory, its app.yaml or its app.ini"),
    2,
  );
}

function everyApp(): string[] {
  return (
    readdirSync(join(root, "apps"), { withFileTypes: true })
      // A link instead of an app is named as one.
      .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
      .map((entry) => `apps/${entry.name}`)
      .sort()
  );
}

function report(issues: Issue[], json: boolean, what: string): void {
  const errors = issues.filter(({ severity }) => severity === "error").length;
  if (json) console.log(printableJson(issues, 2));
  else if (issues.length === 0) console.log(`✓ ${what}: no problems`);
  else {
    console.log(issuesText(issues, root, process.stdout));
    const count = (number: number, word: string) => `${number} ${word}${number === 1 ? "" : "s"}`;
    const counts = `${count(errors, "error")}, ${count(issues.length - errors, "warning")}`;
    console.log(`\n${errors === 0 ? "✓" : "✗"} ${what}: ${counts}`);
  }
  process.exitCode = errors === 0 ? 0 : 1;
}

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packConfig } from "../bundle/pack-config.ts";
import { packBundle } from "../bundle/pack.ts";
import { readRequirements } from "../bundle/read-requirements.ts";
import type { ConfigDirectory } from "../bundle/bundle.ts";
import type { Environment, EnvironmentSite } from "../environment/environment.ts";
import { parseEnvironment, type TextFile } from "../environment/parse.ts";
import { error, isError, type Issue, type Parsed } from "../text/issue.ts";
import { readApp } from "../manifest/read.ts";
import { planEnvironment, type LoadedApp } from "./plan-environment.ts";
import type { Plan } from "./plan.ts";

/**
 * Reads an environment and the apps it places, and plans them: the only way from files to a plan, for the program and for `silver`.
 * @param root the project's directory, which holds `stacks/` and `apps/`
 * @param name the environment, i.e. the stack: `stacks/<name>.yaml`
 * @returns every issue found in any of the files, and the plan unless an error concerns the environment as a whole: one that concerns
 * only a site makes that site `broken`
 */
export function loadPlan(root: string, name: string): Parsed<Plan> {
  const environment = loadEnvironment(root, name);
  if (environment.value === undefined) return { issues: environment.issues };
  const { value } = environment;
  const apps = new Map(Object.values(value.sites).map((site) => [site.name, loadApp(root, value, site)]));
  const plan = planEnvironment(value, apps);
  return { ...plan, issues: distinct([...environment.issues, ...plan.issues]) };
}

/** Reads `stacks/<name>.yaml`, over `stacks/base.yaml` if it exists. */
export function loadEnvironment(root: string, name: string): Parsed<Environment> {
  const own = readText(root, `stacks/${name}.yaml`);
  if (own === undefined) {
    const file = `stacks/${name}.yaml`;
    const fix = `write ${file} with its nodes and sites, or select another stack: pulumi stack select NAME`;
    return { issues: [error("missing-file", { file }, `the stack "${name}" has no environment file`, fix)] };
  }
  return parseEnvironment(own.text, own.file, name, readText(root, "stacks/base.yaml"));
}

function readText(root: string, file: string): TextFile | undefined {
  const path = join(root, file);
  return existsSync(path) ? { text: readFileSync(path, "utf8"), file } : undefined;
}

function loadApp(root: string, environment: Environment, site: EnvironmentSite): LoadedApp {
  if (!existsSync(join(root, site.app))) {
    const place = site.origins.app ?? { file: environment.file, ...site.place };
    const message = `the app of site "${site.name}" does not exist: ${site.app}`;
    return { issues: [error("missing-file", place, message, "correct the path, or add the app")] };
  }
  const { value: manifest, ...read } = readApp(root, site.app);
  const requirements = readRequirements(root, site.app, manifest?.platform);
  if (manifest === undefined) return { ...read, issues: [...read.issues, ...requirements.issues] };
  const bundle = packBundle(root, site.app, manifest.version);
  const config = loadConfigDirectory(root, environment, site);
  const issues = [...read.issues, ...requirements.issues, ...bundle.issues, ...config.issues];
  if (bundle.value === undefined || config.issues.some(isError)) return { ...read, issues };
  const configDirectory = config.value === undefined ? {} : { configDirectory: config.value };
  const libraries = requirements.value === undefined ? {} : { requirements: requirements.value };
  return { ...read, issues, value: { manifest, bundle: bundle.value, ...configDirectory, ...libraries } };
}

/** The directory that the environment gives the site; no value when it gives none. */
function loadConfigDirectory(root: string, environment: Environment, site: EnvironmentSite): Parsed<ConfigDirectory> {
  if (site.configDirectory === undefined) return { issues: [] };
  if (existsSync(join(root, site.configDirectory))) return packConfig(root, site.configDirectory);
  const place = site.origins.config_dir ?? { file: environment.file, ...site.place };
  const message = `the configuration directory of site "${site.name}" does not exist: ${site.configDirectory}`;
  return { issues: [error("missing-file", place, message, "correct the path, or add the directory")] };
}

/** Two sites of one app find the same issues in it: show them once. */
function distinct(issues: Issue[]): Issue[] {
  return [...new Map(issues.map((issue) => [JSON.stringify(issue), issue])).values()];
}

import { existsSync } from "node:fs";
import { join } from "node:path";
import { packConfig } from "../bundle/pack-config.ts";
import { packBundle } from "../bundle/pack.ts";
import { readRequirements } from "../bundle/read-requirements.ts";
import type { ConfigDirectory } from "../bundle/bundle.ts";
import type { Environment, EnvironmentSite } from "../environment/environment.ts";
import { CHARACTERS_MAX, parseEnvironment, type NamedApp, type ParsedEnvironment, type TextFile } from "../environment/parse.ts";
import { readInside, realDirectory, refusalIssue } from "../text/files.ts";
import { error, isError, type Issue, type Parsed } from "../text/issue.ts";
import { readApp } from "../manifest/read.ts";
import { noEnvironment } from "./environment-names.ts";
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
  if (environment.value === undefined) {
    // What is wrong with the apps is said at once with it.
    const read = (environment.apps ?? []).map((named) => readNamedApp(root, named));
    return { issues: distinct([...environment.issues, ...read.flatMap(({ issues }) => issues)]) };
  }
  const { value } = environment;
  const apps = new Map(Object.values(value.sites).map((site) => [site.name, loadApp(root, value, site)]));
  const plan = planEnvironment(value, apps);
  return { ...plan, issues: distinct([...environment.issues, ...plan.issues]) };
}

/** Reads `stacks/<name>.yaml`, over `stacks/base.yaml` if it exists. */
export function loadEnvironment(root: string, name: string): ParsedEnvironment {
  const own = readText(root, `${name}.yaml`);
  const base = readText(root, "base.yaml");
  const refused = [...own.issues, ...base.issues];
  if (refused.length > 0) return { issues: refused };
  if (own.value !== undefined) return parseEnvironment(own.value.text, own.value.file, name, base.value);
  const { file, message, fix } = noEnvironment(root, name);
  return { issues: [error("missing-file", { file }, message, fix)] };
}

/** A character has at most 4 bytes. */
const mostEnvironment = 4 * CHARACTERS_MAX;

/** A file of stacks/; no value and no issue when it does not exist. */
function readText(root: string, name: string): Parsed<TextFile> {
  if (!existsSync(join(root, "stacks", name))) return { issues: [] };
  const stacks = realDirectory(root, "stacks");
  if (!("real" in stacks)) return { issues: [stacks] };
  const file = `stacks/${name}`;
  const bytes = readInside(stacks.real, name, mostEnvironment);
  if (typeof bytes !== "string") return { value: { text: bytes.toString(), file }, issues: [] };
  return { issues: [refusalIssue(bytes, file, mostEnvironment)] };
}

function loadApp(root: string, environment: Environment, site: EnvironmentSite): LoadedApp {
  const place = site.origins.app ?? { file: environment.file, ...site.place };
  const { value, ...read } = readNamedApp(root, { site: site.name, app: site.app, place });
  const config = loadConfigDirectory(root, environment, site);
  const issues = [...read.issues, ...config.issues];
  if (value === undefined || config.issues.some(isError)) return { ...read, issues };
  const configDirectory = config.value === undefined ? {} : { configDirectory: config.value };
  return { ...read, issues, value: { ...value, ...configDirectory } };
}

/** What an app itself has, whatever an environment says of it. */
function readNamedApp(root: string, { site, app, place }: NamedApp): LoadedApp {
  if (existsSync(join(root, app))) return loadAppAlone(root, app);
  const message = `the app of site "${site}" does not exist: ${app}`;
  return { issues: [error("missing-file", place, message, "correct the path, or add the app")] };
}

/**
 * Reads all of an app: its manifest, its libraries, and whatever would be shipped.
 * @param root the project's directory
 * @param app directory of the app, relative to it, with forward slashes
 */
export function loadAppAlone(root: string, app: string): LoadedApp {
  const { value: manifest, ...read } = readApp(root, app);
  const requirements = readRequirements(root, app, manifest?.platform);
  if (manifest === undefined) return { ...read, issues: [...read.issues, ...requirements.issues] };
  const bundle = packBundle(root, app, manifest.version);
  const issues = [...read.issues, ...requirements.issues, ...bundle.issues];
  if (bundle.value === undefined) return { ...read, issues };
  const libraries = requirements.value === undefined ? {} : { requirements: requirements.value };
  return { ...read, issues, value: { manifest, bundle: bundle.value, ...libraries } };
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

import { byPlace, error, isError, type Issue, type Parsed, type Place } from "../text/issue.ts";
import { judge } from "../text/schema/judge.ts";
import { tooLarge } from "../text/too-large.ts";
import type { Source } from "../text/source.ts";
import { readYaml } from "../text/yaml.ts";
import { checkEnvironment } from "./check.ts";
import type { Environment, EnvironmentNode, EnvironmentSite, Https, Limits, EnvironmentLimits, Spot } from "./environment.ts";
import { layer } from "./layers.ts";
import { readMachine } from "./kinds/registry.ts";
import { appPath, environmentSchema, type EnvironmentTree } from "./schema.ts";
import { isMap } from "../text/value.ts";

/** An environment is at most this long, in characters: room for several hundred sites. */
export const CHARACTERS_MAX = 128 * 1024;

/** A text and the path of its file, relative to the project's root. */
export interface TextFile {
  text: string;
  file: string;
}

/** An app, the site that names it, and where. */
export interface NamedApp {
  site: string;
  /** Its directory, relative to the project's root. */
  app: string;
  place: Place;
}

/** An environment; or its issues, and the apps that it names all the same. */
export interface ParsedEnvironment extends Parsed<Environment> {
  /** Absent where there is a value. */
  apps?: NamedApp[];
}

/**
 * Reads an environment.
 * @param file its path, relative to the project's root
 * @param name its name, which is the stack's
 * @param base stacks/base.yaml, if it exists: values that the environment does not set
 * @returns the environment with every default filled in, or all issues
 */
export function parseEnvironment(text: string, file: string, name: string, base?: TextFile): ParsedEnvironment {
  const large = [tooLarge(text, file, CHARACTERS_MAX), base && tooLarge(base.text, base.file, CHARACTERS_MAX)].filter(
    (issue) => issue !== undefined,
  );
  if (large.length > 0) return { issues: large };
  const own = readYaml(text, file);
  const source = base === undefined ? own : layer(readBase(base), own);
  const { value: tree, issues, parts } = judge(environmentSchema, source);
  const all = [...issues, ...checkEnvironment(source, parts)];
  if (tree === undefined || all.some(isError)) return { issues: base === undefined ? byPlace(all) : all, apps: appsOf(source) };
  return { value: toEnvironment(tree, source, file, name), issues: all };
}

/** The apps that an environment names, as far as they can be read of one that is wrong elsewhere. */
function appsOf(source: Source): NamedApp[] {
  const sites = isMap(source.tree) && isMap(source.tree.sites) ? source.tree.sites : {};
  return Object.entries(sites).flatMap(([site, value]) => {
    const app = appPath.safeParse(isMap(value) ? value.app : undefined);
    return app.success ? [{ site, app: app.data, place: source.placeOf(["sites", site, "app"], "value") }] : [];
  });
}

function readBase({ text, file }: TextFile): Source {
  const source = readYaml(text, file);
  const hasNodes = typeof source.tree === "object" && source.tree !== null && "nodes" in source.tree;
  if (!hasNodes) return source;
  const message = "nodes belong in the file of one environment, not in the base of all";
  const issue: Issue = error(
    "misplaced-key",
    source.placeOf(["nodes"], "key"),
    message,
    "move them to stacks/<environment>.yaml",
  );
  return { ...source, issues: [...source.issues, issue] };
}

function toEnvironment(tree: EnvironmentTree, source: Source, file: string, name: string): Environment {
  return {
    name,
    file,
    ...(tree.protected ? { isProtected: true } : {}),
    ssh: tree.ssh,
    ...(tree.trust_proxies.length === 0 ? {} : { trustProxies: tree.trust_proxies.toSorted() }),
    ...(tree.https === undefined ? {} : { https: toHttps(tree.https) }),
    apt: {
      sources: Object.entries(tree.apt.sources).map(([key, source]) => ({ ...source, name: key })),
      answers: tree.apt.answers,
      debs: tree.apt.debs,
    },
    defaults: { retain: tree.defaults.retain, graceSeconds: tree.defaults.grace },
    limits: toEnvironmentLimits(tree.limits),
    nodes: mapValues(tree.nodes, (key, node) => toNode(key, node, source)),
    sites: mapValues(tree.sites, (key, site) => toSite(key, site, tree, source)),
  };
}

function toHttps({ authority, redirect, hsts }: NonNullable<EnvironmentTree["https"]>): Https {
  return { authority, redirect, ...(hsts === undefined ? {} : { hstsSeconds: hsts }) };
}

function toNode(name: string, node: EnvironmentTree["nodes"][string], source: Source): EnvironmentNode {
  const { os, roles, memory } = node;
  return {
    name,
    machine: readMachine(node),
    os,
    roles,
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    place: spot(source.placeOf(["nodes", name], "key")),
  };
}

function toSite(
  name: string,
  { config_dir: configDirectory, ...site }: EnvironmentTree["sites"][string],
  { defaults }: EnvironmentTree,
  source: Source,
): EnvironmentSite {
  const origins: Record<string, Place> = {};
  /** The site's values over the environment's for all sites; notes where each was set. */
  const over = <T extends object>(key: "config" | "limits", own: T, forAll: { values: T; path: string[] }): T => {
    for (const each of Object.keys(forAll.values)) origins[`${key}.${each}`] = source.placeOf([...forAll.path, each], "value");
    for (const each of Object.keys(own)) origins[`${key}.${each}`] = source.placeOf(["sites", name, key, each], "value");
    return { ...forAll.values, ...own };
  };
  const { processes, memory, body } = defaults;
  const limitsForAll = {
    ...(processes === undefined ? {} : { processes }),
    ...(memory === undefined ? {} : { memory }),
    ...(body === undefined ? {} : { body }),
  };
  for (const key of ["app", "nodes", ...(site.locations.length > 0 ? ["locations"] : [])])
    origins[key] = source.placeOf(["sites", name, key], "value");
  for (const service of Object.keys(site.services))
    origins[`services.${service}`] = source.placeOf(["sites", name, "services", service], "value");
  if (configDirectory !== undefined) origins.config_dir = source.placeOf(["sites", name, "config_dir"], "value");
  return {
    ...site,
    name,
    ...(configDirectory === undefined ? {} : { configDirectory }),
    config: over("config", site.config, { values: defaults.config, path: ["defaults", "config"] }),
    limits: toLimits(over("limits", site.limits, { values: limitsForAll, path: ["defaults"] })),
    origins,
    place: spot(source.placeOf(["sites", name], "key")),
  };
}

function toLimits({ processes, memory, body }: { processes?: number; memory?: number; body?: number }): Limits {
  return {
    ...(processes === undefined ? {} : { processes }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(body === undefined ? {} : { bodyBytes: body }),
  };
}

function toEnvironmentLimits({ quota, service_memory: memory, ...ofSites }: EnvironmentTree["limits"]): EnvironmentLimits {
  return {
    ...toLimits(ofSites),
    ...(quota === undefined ? {} : { quotaBytes: quota }),
    ...(memory === undefined ? {} : { serviceMemoryBytes: memory }),
  };
}

function spot({ line = 1, column = 1 }: Place): Spot {
  return { line, column };
}

function mapValues<T, U>(record: Record<string, T>, make: (key: string, value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, make(key, value)]));
}

import type { Bundle, ConfigDirectory } from "../bundle/bundle.ts";
import type { Requirements } from "../bundle/requirements.ts";
import type { Environment, EnvironmentNode, EnvironmentSite } from "../environment/environment.ts";
import { isError, type Issue, type Parsed } from "../text/issue.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { judgeConfig, judgeConfigDirectory } from "./judge-config.ts";
import { judgeNodes } from "./judge-nodes.ts";
import { judgeServices } from "./judge-services.ts";
import { judgeSite } from "./judge-site.ts";
import { planLibraries } from "./libraries.ts";
import { judgeDebs, planDebs, planPackages } from "./packages.ts";
import { compareLocations, parseLocation } from "./location.ts";
import type { BrokenSite, NodePlan, Plan, Route, SiteConfigDirectory, SitePlan } from "./plan.ts";
import { platforms } from "../platforms/registry.ts";
import { planServices } from "./plan-services.ts";
import { planWork, programsOf } from "./plan-work.ts";
import { siteUser } from "./site-name.ts";
import { askedSites, sitesAsked } from "./sites-asked.ts";
import { planVariables } from "./variables.ts";

/** The input for a site: its app's manifest and bundle, and the configuration directory that its environment names. */
export interface PlannedApp {
  manifest: Manifest;
  bundle: Bundle;
  configDirectory?: ConfigDirectory;
  /** Absent where the app lists no libraries. */
  requirements?: Requirements;
}

/** What was read of a site's app: all of it, or its issues. */
export interface LoadedApp extends Parsed<PlannedApp> {
  /** The site's location in the manifest, if it could be read. */
  defaultLocation?: string;
  /** The app's platform, if it could be read. */
  platform?: SitePlan["platform"];
}

/**
 * Plans a whole environment. Pure. The parsers have validated each text separately; this finds errors that only show when
 * they are combined, all at once. An error in one site makes that site `broken`; there is no plan when an error
 * concerns several sites or a node, since nothing decides which of them to leave out.
 * @param apps by the name of the site, for each of them
 */
export function planEnvironment(environment: Environment, apps: ReadonlyMap<string, LoadedApp>): Parsed<Plan> {
  const loaded = (name: string): LoadedApp => apps.get(name) ?? { issues: [] };
  const routesOf = new Map(
    Object.values(environment.sites).map((site) => [site.name, planRoutes(site, loaded(site.name).defaultLocation)] as const),
  );
  const judged = Object.values(environment.sites)
    .sort(byName)
    .map((site) => judgeOne(environment, site, loaded(site.name), routesOf));
  const sites = judged.flatMap(({ planned }) => planned ?? []);
  const broken = judged.flatMap((one) => one.broken ?? []);
  const nodes = Object.values(environment.nodes)
    .sort(byName)
    .map(({ name, machine, os, roles, memoryBytes }): NodePlan => {
      const here = [...sites, ...broken].filter((site) => site.nodes.includes(name)).sort(byName);
      const routes = here.flatMap((site) => site.routes).sort(compareLocations);
      const kept = here.some((site) => site.routes.length === 0);
      const { trustProxies, https } = environment;
      const ofSites = {
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
        ...(trustProxies === undefined ? {} : { trustProxies }),
        ...(https === undefined ? {} : { https }),
      };
      return {
        name,
        machine,
        os,
        roles,
        sites: here.map((site) => site.name),
        routes,
        ...(roles.includes("web") ? ofSites : {}),
        ...planApt(environment, name),
        ...(kept ? { kept } : {}),
      };
    });
  const ofAll = judgeNodes(environment, nodes, sites);
  const known = judged.flatMap(({ site, app }) => (app === undefined ? [] : [{ site, manifest: app.manifest }]));
  const issues = [...judged.flatMap((one) => one.issues), ...judgeConfig(environment, known), ...ofAll];
  if (ofAll.some(isError)) return { issues };
  const { name, ssh, isProtected } = environment;
  return { value: { environment: name, ...(isProtected === true ? { isProtected } : {}), ssh, nodes, sites, broken }, issues };
}

/** What the apt of a node knows besides the distribution. */
function planApt({ apt }: Environment, node: string): Pick<NodePlan, "apt"> {
  const here = apt.sources.filter(({ nodes }) => nodes === undefined || nodes.includes(node));
  const sources = here
    .map(({ name, uri, suites, components, key, packages }) => ({ name, uri, suites, components, key, packages }))
    .sort(byName);
  return sources.length === 0 && apt.answers.length === 0 ? {} : { apt: { sources, answers: apt.answers } };
}

/** One site by itself: its plan, or what is known of it when it must stay unchanged. */
function judgeOne(
  environment: Environment,
  site: EnvironmentSite,
  { value: app, issues: ofApp, defaultLocation, platform }: LoadedApp,
  routesOf: ReadonlyMap<string, readonly Route[]>,
): { site: EnvironmentSite; app: PlannedApp | undefined; issues: Issue[]; planned?: SitePlan; broken?: BrokenSite } {
  const asked = app && askedSites(environment, site, app.manifest, routesOf);
  const planned = app && planSite(environment, site, app, asked?.variables ?? {});
  const ofSite =
    app === undefined || planned === undefined
      ? []
      : [
          ...judgeSite(environment, site, app.manifest, planned),
          ...judgeServices(environment, site, app.manifest),
          ...judgeConfigDirectory(environment, site, app.manifest),
          ...judgeDebs(environment, site, app.manifest, app.bundle),
          ...(asked?.issues ?? []),
        ];
  const issues = [...ofApp, ...ofSite];
  if (planned !== undefined && !issues.some(isError)) return { site, app, issues, planned };
  const { name, nodes } = site;
  const routes = planRoutes(site, defaultLocation);
  const https = environment.https === undefined ? {} : { isHttps: true as const };
  const broken = { name, nodes: [...nodes].sort(), ...(platform === undefined ? {} : { platform }), routes, ...https, issues };
  return { site, app, issues, broken };
}

function planSite(environment: Environment, site: EnvironmentSite, app: PlannedApp, ofSites: Record<string, string>): SitePlan {
  const { manifest, bundle, requirements } = app;
  const asks = sitesAsked(manifest);
  const debs = planDebs(manifest, bundle);
  const configDirectory = planConfigDirectory(app);
  const routes = planRoutes(site, manifest.defaultLocation);
  const processes = {
    ...manifest.processes,
    count: platforms[manifest.platform].hasProcesses ? (site.limits.processes ?? manifest.processes.count) : 0,
    memoryBytes: site.limits.memoryBytes ?? manifest.processes.memoryBytes,
  };
  const nodes = [...site.nodes].sort();
  const planned = planVariables(site, manifest, routes, ofSites);
  const work = planWork(manifest, nodes, processes.memoryBytes, planned.config);
  const programs = work === undefined ? 0 : programsOf(work);
  const services = planServices(manifest, site.services, { requests: processes.count * processes.threads, programs });
  return {
    name: site.name,
    user: siteUser(site.name),
    app: site.app,
    ...(manifest.version === undefined ? {} : { version: manifest.version }),
    platform: manifest.platform,
    ...(manifest.runner === undefined ? {} : { runner: manifest.runner }),
    ...(manifest.phpRoot === undefined ? {} : { phpRoot: manifest.phpRoot }),
    bundle,
    nodes,
    routes,
    ...(environment.https === undefined ? {} : { isHttps: true }),
    packages: planPackages(manifest, work),
    ...(debs.length === 0 ? {} : { debs }),
    processes,
    timeouts: manifest.timeouts,
    limits: { bodyBytes: site.limits.bodyBytes ?? manifest.limits.bodyBytes },
    check: manifest.check,
    ...planned,
    ...(configDirectory === undefined ? {} : { configDirectory }),
    ...(manifest.config.checker === undefined ? {} : { checker: manifest.config.checker }),
    ...(services === undefined ? {} : { services }),
    ...(work === undefined ? {} : { work }),
    ...(Object.keys(asks).length === 0 ? {} : { asks }),
    ...(requirements === undefined ? {} : { libraries: planLibraries(requirements, nodesOf(environment, site)) }),
    retain: environment.defaults.retain,
    graceSeconds: environment.defaults.graceSeconds,
  };
}

/** The environment's configuration directory, or else the manifest's own. */
function planConfigDirectory({ manifest, configDirectory }: PlannedApp): SiteConfigDirectory | undefined {
  if (configDirectory !== undefined) return { of: "environment", ...configDirectory };
  const { defaultDirectory } = manifest.config;
  return defaultDirectory === undefined ? undefined : { of: "app", path: defaultDirectory };
}

function nodesOf(environment: Environment, site: EnvironmentSite): EnvironmentNode[] {
  return site.nodes.flatMap((name) => environment.nodes[name] ?? []);
}

/** The environment's locations, or else the manifest's own; most specific first. */
function planRoutes(site: EnvironmentSite, defaultLocation: string | undefined): Route[] {
  const own = defaultLocation === undefined ? [] : [defaultLocation];
  const texts = new Set(site.locations.length > 0 ? site.locations : own);
  return [...texts].map((text) => ({ site: site.name, ...parseLocation(text) })).sort(compareLocations);
}

function byName(one: { name: string }, other: { name: string }): number {
  return one.name < other.name ? -1 : 1;
}

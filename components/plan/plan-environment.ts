import type { Bundle } from "../bundle/bundle.ts";
import type { Environment, EnvironmentSite } from "../environment/environment.ts";
import { isError, type Parsed } from "../manifest/issue.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { judgeConfig } from "./judge-config.ts";
import { judgeNodes } from "./judge-nodes.ts";
import { judgeServices } from "./judge-services.ts";
import { judgeSite } from "./judge-site.ts";
import { compareLocations, parseLocation } from "./location.ts";
import type { NodePlan, Plan, Route, SitePlan } from "./plan.ts";
import { planServices } from "./plan-services.ts";
import { siteUser } from "./site-name.ts";
import { planVariables } from "./variables.ts";

/** What a site is made from: its app's manifest and bundle. */
export interface PlannedApp {
  manifest: Manifest;
  bundle: Bundle;
}

/**
 * Everything an environment will be. Pure. The parsers have judged each text by itself; here is found what only shows when
 * they come together, all of it at once. A site that `apps` lacks is left out: what is wrong with its app was told by who read it.
 */
export function planEnvironment(environment: Environment, apps: ReadonlyMap<string, PlannedApp>): Parsed<Plan> {
  const placed = Object.values(environment.sites)
    .sort(byName)
    .flatMap((site) => {
      const app = apps.get(site.name);
      return app === undefined ? [] : [{ site, ...app, plan: planSite(environment, site, app) }];
    });
  const sites = placed.map(({ plan }) => plan);
  const nodes = Object.values(environment.nodes)
    .sort(byName)
    .map(({ name, machine, os, roles }): NodePlan => {
      const here = sites.filter((site) => site.nodes.includes(name));
      const routes = here.flatMap((site) => site.routes).sort(compareLocations);
      return { name, machine, os, roles, sites: here.map((site) => site.name), routes };
    });
  const issues = [
    ...placed.flatMap(({ site, manifest, plan }) => judgeSite(environment, site, manifest, plan)),
    ...placed.flatMap(({ site, manifest }) => judgeServices(environment.file, site, manifest)),
    ...judgeConfig(environment, placed),
    ...judgeNodes(environment, nodes, sites),
  ];
  if (issues.some(isError)) return { issues };
  const { name, protected: isProtected, ssh } = environment;
  return { value: { environment: name, protected: isProtected, ssh, nodes, sites }, issues };
}

function planSite(environment: Environment, site: EnvironmentSite, { manifest, bundle }: PlannedApp): SitePlan {
  const routes = planRoutes(site, manifest);
  const processes = {
    ...manifest.processes,
    // A static site has Apache alone.
    count: manifest.platform === "static" ? 0 : (site.limits.processes ?? manifest.processes.count),
    memoryBytes: site.limits.memoryBytes ?? manifest.processes.memoryBytes,
  };
  const services = planServices(site.name, manifest, processes.count * processes.threads);
  return {
    name: site.name,
    user: siteUser(site.name),
    app: site.app,
    ...(manifest.version === undefined ? {} : { version: manifest.version }),
    platform: manifest.platform,
    ...(manifest.runner === undefined ? {} : { runner: manifest.runner }),
    bundle,
    nodes: [...site.nodes].sort(),
    routes,
    packages: [...manifest.packages].sort(),
    processes,
    timeouts: manifest.timeouts,
    check: manifest.check,
    ...planVariables(site, manifest, routes),
    ...(services === undefined ? {} : { services }),
    retain: environment.defaults.retain,
    graceSeconds: environment.defaults.graceSeconds,
  };
}

/** The environment's locations, or else the manifest's own; most specific first. */
function planRoutes(site: EnvironmentSite, { defaultLocation }: Manifest): Route[] {
  const own = defaultLocation === undefined ? [] : [defaultLocation];
  const texts = new Set(site.locations.length > 0 ? site.locations : own);
  return [...texts].map((text) => ({ site: site.name, ...parseLocation(text) })).sort(compareLocations);
}

function byName(one: { name: string }, other: { name: string }): number {
  return one.name < other.name ? -1 : 1;
}

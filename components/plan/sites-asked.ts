import type { Environment, EnvironmentSite } from "../environment/environment.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { serviceType } from "../services/registry.ts";
import { error, type Issue } from "../text/issue.ts";
import { variablePart } from "../text/schema/names.ts";
import { suggest } from "../text/suggest.ts";
import { ownOf } from "../text/value.ts";
import { compareLocations, covers } from "./location.ts";
import type { Route } from "./plan.ts";

/** Varnish on the site's own node, which answers for each site of it. */
const ownNode = "127.0.0.1";

/** Service → the site that it is, of those services of an app that are other sites. */
export function sitesAsked({ services }: Manifest): Record<string, string> {
  const own = Object.entries(services).filter(([, { type }]) => serviceType(type).elsewhere === "site");
  return Object.fromEntries(own.map(([name, { options }]) => [name, options.site ?? name]));
}

/** The variables that a site finds another by: an address without name resolution, and the host by which Varnish finds the site there. */
export function addressVariables(service: string, host: string, path: string): Record<string, string> {
  const prefix = `APP_${variablePart(service)}`;
  return { [`${prefix}_HOST`]: host, [`${prefix}_URL`]: `http://${ownNode}${path === "/" ? "/" : `${path}/`}` };
}

/**
 * The variables of all sites that a site asks, or why it can't ask them.
 * @param routesOf locations of each site of the environment that has some
 */
export function askedSites(
  environment: Environment,
  site: EnvironmentSite,
  manifest: Manifest,
  routesOf: ReadonlyMap<string, readonly Route[]>,
): { variables: Record<string, string>; issues: Issue[] } {
  const place = { file: environment.file, ...site.place };
  const variables: Record<string, string> = {};
  const issues: Issue[] = [];
  for (const [service, name] of Object.entries(sitesAsked(manifest))) {
    const refuse = (message: string, fix: string) => {
      issues.push(error("asked-site", place, `service ${service} of site ${site.name} is the site ${message}`, fix));
    };
    const other = ownOf(environment.sites, name);
    const write = `write {type: app, site: NAME} in ${manifest.file}`;
    if (name === site.name) refuse(`${name} itself`, write);
    else if (other === undefined) {
      const meant = suggest(name, Object.keys(environment.sites));
      refuse(`${name}, which this environment does not have`, meant === undefined ? write : `did you mean ${meant}?`);
    } else {
      const away = site.nodes.filter((node) => !other.nodes.includes(node));
      const found = away.length > 0 ? undefined : ownRoute(environment, site.nodes, name, routesOf);
      if (away.length > 0)
        refuse(`${name}, which is not on ${away.join(", ")}`, `add ${away.join(", ")} to the nodes of ${name}`);
      else if (found === undefined) refuse(`${name}, at whose locations others answer`, `give ${name} a location of its own`);
      else Object.assign(variables, addressVariables(service, found.host, found.path));
    }
  }
  for (const [part, services] of Map.groupBy(Object.keys(sitesAsked(manifest)), variablePart)) {
    if (services.length === 1) continue;
    const message = `services ${services.join(" and ")} of ${manifest.file} would both set APP_${part}_URL`;
    issues.push(error("service-name", place, message, "give one of them another name"));
  }
  for (const variable of Object.keys(variables)) {
    if (!Object.hasOwn(manifest.config.default, variable) && !Object.hasOwn(site.config, variable)) continue;
    issues.push(
      error(
        "service-name",
        place,
        `${variable} is a service of ${manifest.file}, and a variable of its config`,
        "rename one of them",
      ),
    );
  }
  return { variables, issues };
}

/** The first location of a site at which it is the one that answers, on each of the nodes. */
function ownRoute(
  { sites }: Environment,
  nodes: readonly string[],
  name: string,
  routesOf: ReadonlyMap<string, readonly Route[]>,
): Pick<Route, "host" | "path"> | undefined {
  const known = [...routesOf].filter(([other]) => sites[other]?.nodes.some((node) => nodes.includes(node)));
  const all = known.flatMap(([, routes]) => routes).sort(compareLocations);
  const own = (routesOf.get(name) ?? []).map(({ host, path }) => {
    return { host: host === "*" ? ownNode : host.replace(/^\./, ""), path };
  });
  return own.find((location) => all.find((route) => covers(route, location))?.site === name);
}

/** As a reviewer reads it. */
export function askedText(site: string): string {
  return `app ${site}`;
}

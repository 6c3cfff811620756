import type { Environment, EnvironmentSite } from "../environment/environment.ts";
import { judgeExternal } from "./judge-external.ts";
import { error, type Issue } from "../text/issue.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { suggest } from "../text/suggest.ts";
import { serviceType } from "../services/registry.ts";
import { serviceVariables } from "./plan-services.ts";

/** Errors in the services that an app asks for and an environment places. */
export function judgeServices(environment: Environment, site: EnvironmentSite, manifest: Manifest): Issue[] {
  const place = { file: environment.file, ...site.place };
  return [
    ...judgeNames(place, site, manifest),
    ...judgeTypes(place, site, manifest),
    ...judgePlaces(place, site, manifest),
    ...judgeExternal(environment, site, manifest),
  ];
}

/** No two services may set the same variable, and each must be possible for the site. */
function judgeNames(place: Issue["place"], site: EnvironmentSite, manifest: Manifest): Issue[] {
  const issues: Issue[] = [];
  const types = Object.values(manifest.services).flatMap(({ type }) => (serviceType(type).elsewhere === "site" ? [] : [type]));
  const local = Object.entries(manifest.services).filter(([name]) => typeof site.services[name] !== "object");
  for (const type of new Set(local.map(([, { type }]) => type))) {
    const refused = serviceType(type).refuse?.(site.name);
    if (refused !== undefined) issues.push(error("service-name", place, refused.message, refused.fix));
  }
  const told = Object.entries(manifest.services)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([service, { type }]) =>
      Object.keys(serviceVariables(service, type, {}, site.services[service])).map((variable) => ({ variable, service })),
    );
  const clashes = [...Map.groupBy(told, ({ variable }) => variable).values()].filter((uses) => uses.length > 1);
  const pairs = new Map(clashes.map((uses) => [uses.map(({ service }) => service).join(" and "), uses[0]?.variable]));
  // Two services of one type clash in every name: report that there are two instead.
  if (new Set(types.map((type) => serviceType(type).prefix)).size < types.length) return issues;
  for (const [pair, variable] of pairs) {
    const message = `services ${pair} of ${manifest.file} would both set ${variable ?? ""}`;
    issues.push(error("service-name", place, message, "give one of them another name"));
  }
  return issues;
}

function judgeTypes(place: Issue["place"], site: EnvironmentSite, manifest: Manifest): Issue[] {
  const own = Object.entries(manifest.services).filter(([, { type }]) => serviceType(type).elsewhere !== "site");
  // Types of one prefix are one server.
  const byServer = Map.groupBy(own, ([, { type }]) => serviceType(type).prefix);
  return [...byServer.values()].flatMap((services) => {
    if (services.length === 1) return [];
    const names = services.map(([name]) => name).join(", ");
    const types = [...new Set(services.map(([, { type }]) => type))].join(" or ");
    const message = `site ${site.name} has ${services.length} services of the type ${types} (${names}), which is not built yet`;
    return [error("not-yet", place, message, `use one in ${manifest.file} for all of it`)];
  });
}

/** A service runs on the one node of its site, until services can be reached over the network. */
function judgePlaces(place: Issue["place"], site: EnvironmentSite, manifest: Manifest): Issue[] {
  const asked = Object.keys(manifest.services);
  const placed = Object.entries(site.services).flatMap(([name, node]) => {
    if (!asked.includes(name)) {
      const meant = suggest(name, asked);
      const fix = meant === undefined ? "delete it there, or add it to the manifest" : `did you mean ${meant}?`;
      return [error("unknown-service", place, `site ${site.name} places ${name}, which ${manifest.file} does not ask for`, fix)];
    }
    if (typeof node === "object" || site.nodes.includes(node)) return [];
    const message = `service ${name} of site ${site.name} runs on ${node}, not on the node of its site, which is not built yet`;
    return [error("not-yet", place, message, `write ${name}: ${site.nodes[0] ?? "the site's node"}`)];
  });
  const local = asked.filter((name) => {
    const isSite = serviceType(manifest.services[name]?.type ?? name).elsewhere === "site";
    return !isSite && typeof site.services[name] !== "object";
  });
  if (local.length === 0 || site.nodes.length === 1) return placed;
  const message = `site ${site.name} runs on ${site.nodes.length} nodes and has services (${local.join(", ")}), which is not built yet`;
  return [...placed, error("not-yet", place, message, "place it on one node")];
}

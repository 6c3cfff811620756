import type { Manifest } from "../manifest/manifest.ts";
import { files } from "../services/files.ts";
import { postgres } from "../services/postgres.ts";
import type { Service, SiteServices } from "../services/service.ts";
import { siteUser } from "./site-name.ts";

const services: Record<string, Service> = { files, postgres };

/** Nothing migrates yet: every site has its first data generation. */
const generation = 1;

/** One variable, and the service of the manifest that it tells of. */
export interface ServiceVariable {
  variable: string;
  value: string;
  service: string;
}

/**
 * The services of a site, sorted by name; undefined where the app asks for none.
 * @param requests how many requests the site serves at once
 */
export function planServices(site: string, manifest: Manifest, requests: number): SiteServices | undefined {
  const setUp = asked(manifest).map(([name, { type, options }]) =>
    serviceOf(type).setUp({ site, user: siteUser(site), name, options, generation, requests }),
  );
  if (setUp.length === 0) return undefined;
  const variables = serviceVariables(site, manifest).sort((one, other) => (one.variable < other.variable ? -1 : 1));
  return { setUp, variables: Object.fromEntries(variables.map(({ variable, value }) => [variable, value])) };
}

/** Each value under the names of 2010, CONFIG_PG_HOST, and under the service's own, CONFIG_DB_HOST. */
export function serviceVariables(site: string, manifest: Manifest): ServiceVariable[] {
  return asked(manifest).flatMap(([name, { type, options }]) => {
    const { prefix, values } = serviceOf(type);
    const found = Object.entries(values({ site, user: siteUser(site), name, options, generation }));
    return [...new Set([prefix, name.replaceAll("-", "_").toUpperCase()])].flatMap((first) =>
      found.map(([end, value]) => ({ variable: `CONFIG_${first}${end === "" ? "" : `_${end}`}`, value, service: name })),
    );
  });
}

function asked(manifest: Manifest) {
  return Object.entries(manifest.services).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** What makes services of a type. */
export function serviceOf(type: string): Service {
  const service = services[type];
  if (service === undefined) throw new Error(`no file of components/services is for the type ${type}`);
  return service;
}

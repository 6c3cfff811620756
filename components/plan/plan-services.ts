import type { EnvironmentSite } from "../environment/environment.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { externalType, tellExternal } from "../services/external.ts";
import { serviceType } from "../services/registry.ts";
import type { ServiceUse, SetUp } from "../services/service.ts";
import { variablePart } from "../text/schema/names.ts";

type Places = EnvironmentSite["services"];

/**
 * The services of a site, sorted by name; undefined when the app asks for none. They are bindings: they travel beside the release, and
 * its id does not depend on what a node makes of them.
 * @param places where the environment has them
 * @param use how many requests the site serves at once, and how many programs work beside them
 */
export function planServices(manifest: Manifest, places: Places, use: Omit<ServiceUse, "options">): SetUp[] | undefined {
  const setUp = Object.entries(manifest.services)
    .filter(([, { type }]) => serviceType(type).elsewhere !== "site")
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { type, options }]): SetUp => {
      const { packages, tell, external } = serviceType(type);
      const place = places[name];
      const variables = serviceVariables(name, type, options, place);
      // Where the type can't be external, judging says so.
      if (typeof place === "object" && external !== undefined)
        return { type: externalType, name, packages: [], options: tellExternal(name, type, external, place.external), variables };
      return { type, name, packages: [...packages], options: tell({ options, ...use }), variables };
    });
  return setUp.length === 0 ? undefined : setUp;
}

/** Each value under its 2010 name, CONFIG_PG_HOST, and under the service's own, CONFIG_DB_HOST; sorted. */
export function serviceVariables(
  name: string,
  type: string,
  options: Record<string, string> = {},
  place?: Places[string],
): Record<string, string> {
  const { prefix, variables, overTcp, external } = serviceType(type);
  const isExternal = typeof place === "object" && external !== undefined;
  const own = options.tcp === "true" ? { ...variables, ...overTcp } : variables;
  const told = isExternal ? external.variables : own;
  const found = [prefix, variablePart(name)].flatMap((first) =>
    Object.entries(told).map(([end, value]): [string, string] => [`CONFIG_${first}${end === "" ? "" : `_${end}`}`, value]),
  );
  const ofTls = isExternal && place.external.tls !== undefined ? Object.entries(external.tlsVariables ?? {}) : [];
  return Object.fromEntries([...found, ...ofTls].sort(([one], [other]) => (one < other ? -1 : 1)));
}

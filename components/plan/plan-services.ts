import type { Manifest } from "../manifest/manifest.ts";
import { serviceType } from "../services/registry.ts";
import type { SetUp } from "../services/service.ts";

/**
 * The services of a site, sorted by name; undefined when the app asks for none. They are bindings: they travel beside the release, and
 * its id does not depend on them.
 * @param requests how many requests the site serves at once
 */
export function planServices(manifest: Manifest, requests: number): SetUp[] | undefined {
  const setUp = Object.entries(manifest.services)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { type, options }]): SetUp => {
      const { packages, tell } = serviceType(type);
      const variables = serviceVariables(name, type, options);
      return { type, name, packages: [...packages], options: tell({ options, requests }), variables };
    });
  return setUp.length === 0 ? undefined : setUp;
}

/** Each value under its 2010 name, CONFIG_PG_HOST, and under the service's own, CONFIG_DB_HOST; sorted. */
export function serviceVariables(name: string, type: string, options: Record<string, string> = {}): Record<string, string> {
  const { prefix, variables, overTcp } = serviceType(type);
  const told = options.tcp === "true" ? { ...variables, ...overTcp } : variables;
  const found = [prefix, name.replaceAll("-", "_").toUpperCase()].flatMap((first) =>
    Object.entries(told).map(([end, value]): [string, string] => [`CONFIG_${first}${end === "" ? "" : `_${end}`}`, value]),
  );
  return Object.fromEntries(found.sort(([one], [other]) => (one < other ? -1 : 1)));
}

import type { EnvironmentSite } from "../environment/environment.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { Route, SitePlan } from "./plan.ts";

/**
 * What a site finds in os.environ: the manifest's defaults, over them the environment's config, and the platform's own.
 * @param ofSites those of the other sites that it asks
 */
export function planVariables(
  site: EnvironmentSite,
  manifest: Manifest,
  routes: Route[],
  ofSites: Record<string, string>,
): Pick<SitePlan, "config" | "variables" | "secrets"> {
  const config = Object.entries({ ...manifest.config.default, ...site.config });
  const plain = config.filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return {
    config: sorted(plain),
    variables: sorted([...plain, ...Object.entries({ ...silverVariables(site.name, manifest.name, routes), ...ofSites })]),
    secrets: sorted(config.flatMap(([name, value]) => (typeof value === "string" ? [] : [[name, value.secret]]))),
  };
}

/**
 * The variables of Silver Lining that planning knows. The agent adds those that only a node knows: SILVER_INSTANCE_NAME
 * (the release), and SILVER_CANONICAL_HOSTNAME where no location names a host.
 */
function silverVariables(site: string, app: string, routes: Route[]): Record<string, string> {
  const path = routes[0]?.path ?? "/";
  const host = canonicalHost(routes);
  return {
    SILVER_APP_NAME: app,
    ...(host === undefined ? {} : { SILVER_CANONICAL_HOSTNAME: host }),
    SILVER_LOGS: `/var/log/silver/${site}`,
    SILVER_MATCH_PATH: path,
    SILVER_SECRET_FILE: `/srv/silver/${site}/secret.txt`,
    // The version of this set of variables, not of the tool: a new tool must not cause new releases.
    SILVER_VERSION: "silverlining/1.0",
    // Files of static/ are at the site's root, as in Silver Lining.
    STATIC_URL: path === "/" ? "/" : `${path}/`,
    // The release's own: its unit has a private /tmp.
    TEMP: "/tmp",
  };
}

/** The shortest host name, as in Silver Lining; undefined for a site only at `*`. */
function canonicalHost(routes: Route[]): string | undefined {
  return routes
    .map(({ host }) => host.replace(/^\./, ""))
    .filter((host) => host !== "*")
    .sort((one, other) => one.length - other.length || (one < other ? -1 : 1))[0];
}

function sorted<T>(entries: [string, T][]): Record<string, T> {
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

import type { PlatformName } from "../platforms/registry.ts";
import type { Issue } from "../text/issue.ts";
import type { Check } from "../manifest/manifest.ts";
import type { Processes, Timeouts } from "../platforms/platform.ts";
import type { Environment, EnvironmentNode } from "../environment/environment.ts";
import type { Bundle, ConfigDirectory } from "../bundle/bundle.ts";
import type { SiteLibraries } from "./libraries.ts";
import type { SetUp } from "../services/service.ts";

/** Everything an environment will be, as plain data: what is rendered, sent and shown comes from here alone. */
export interface Plan {
  environment: string;
  ssh: Environment["ssh"];
  /** Sorted by name. */
  nodes: NodePlan[];
  /** Sorted by name. */
  sites: SitePlan[];
  /** Sites of which something is wrong, sorted by name: they stay as they are, and the others go on. */
  broken: BrokenSite[];
}

/** What is known of a site that can't be planned. */
export interface BrokenSite {
  name: string;
  nodes: string[];
  /** Absent where its manifest can't be read. */
  platform?: SitePlan["platform"];
  /** Empty where only its manifest says where it is, and that can't be read. */
  routes: Route[];
  /** All that is wrong with it; at least one is an error. */
  issues: Issue[];
}

export interface NodePlan {
  name: string;
  machine: EnvironmentNode["machine"];
  os: EnvironmentNode["os"];
  roles: EnvironmentNode["roles"];
  /** Names of the sites on this node, sorted; broken ones are among them. */
  sites: string[];
  /** Every location on this node, most specific first: exact hosts, then suffixes (longest first), then `*`; longer paths first. */
  routes: Route[];
  /** A site here is broken and its routes are unknown: the node stays as it was last declared. */
  kept?: true;
}

/** One location of a site. */
export interface Route {
  site: string;
  /** Lower-case host without port; `.example.com` matches every host below it and itself; `*` matches all. */
  host: string;
  /** `/` or a path without a trailing slash, e.g. `/guestbook`. */
  path: string;
}

/** The directory that SILVER_APP_CONFIG names: one that travels with the release, or one of the app, as a path in it. */
export type SiteConfigDirectory = ({ of: "environment" } & ConfigDirectory) | { of: "app"; path: string };

export interface SitePlan {
  name: string;
  /** Unix user `site-<name>`. */
  user: string;
  app: string;
  version?: string;
  platform: PlatformName;
  runner?: string;
  /** Directory of PHP files inside the app. */
  phpRoot?: string;
  bundle: Bundle;
  nodes: string[];
  routes: Route[];
  packages: string[];
  processes: Processes;
  timeouts: Timeouts;
  check: Check;
  /** Plain values that people declared, sorted by name: what a reviewer is shown. */
  config: Record<string, string>;
  /** All plain values of os.environ, sorted by name: `config` and the platform's own. */
  variables: Record<string, string>;
  /** Name of the variable → version of the secret. */
  secrets: Record<string, number>;
  /** Absent where neither the environment nor the manifest gives one. */
  configDirectory?: SiteConfigDirectory;
  /** Path of a script of the app, or `module:function`, that looks at the configuration before the release starts. */
  checker?: string;
  /** Absent where the app asks for none. */
  services?: SetUp[];
  /** Absent where the app lists none. */
  libraries?: SiteLibraries;
  /** Releases kept on a node, the live one included. */
  retain: number;
  /** Seconds the previous release stays warm after the flip. */
  graceSeconds: number;
}

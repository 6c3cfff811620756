import type { PlatformName } from "../platforms/registry.ts";
import type { Issue } from "../text/issue.ts";
import type { Check } from "../manifest/manifest.ts";
import type { Processes, RequestLimits, Timeouts } from "../platforms/platform.ts";
import type { AptSource, Environment, EnvironmentNode, Https } from "../environment/environment.ts";
import type { Bundle, ConfigDirectory } from "../bundle/bundle.ts";
import type { SiteLibraries } from "./libraries.ts";
import type { SetUp } from "../services/service.ts";

/** The plan of an environment, as plain data: the only source for what is rendered, sent and shown. */
export interface Plan {
  environment: string;
  /** Keeps its nodes, what has data, and one bundle a version. Absent: it does not. */
  isProtected?: true;
  ssh: Environment["ssh"];
  /** Sorted by name. */
  nodes: NodePlan[];
  /** Sorted by name. */
  sites: SitePlan[];
  /** Broken sites, sorted by name: they stay unchanged, and the others proceed. */
  broken: BrokenSite[];
}

/** A site that can't be planned. */
export interface BrokenSite {
  name: string;
  nodes: string[];
  /** Absent when its manifest can't be read. */
  platform?: SitePlan["platform"];
  /** Empty when only its manifest has them and can't be read. */
  routes: Route[];
  isHttps?: true;
  /** All its issues; at least one is an error. */
  issues: Issue[];
}

export interface NodePlan {
  name: string;
  machine: EnvironmentNode["machine"];
  os: EnvironmentNode["os"];
  roles: EnvironmentNode["roles"];
  /** Names of the sites on this node, sorted, including broken ones. */
  sites: string[];
  /** Every location on this node, most specific first: exact hosts, then suffixes (longest first), then `*`; longer paths first. */
  routes: Route[];
  /** Memory that all its sites may take together; absent: no limit. */
  memoryBytes?: number;
  /** Addresses and networks of the proxies in front of it, sorted; absent: none. */
  trustProxies?: string[];
  /** How it speaks https; absent: it does not. */
  https?: Https;
  /** What its apt knows besides the distribution; absent: nothing. */
  apt?: NodeApt;
  /** A site here is broken and its routes are unknown: the node keeps its last declared state. */
  kept?: true;
}

/** Sources by name, and answers to questions of packages, in the order of the environment. */
export interface NodeApt {
  sources: Omit<AptSource, "nodes">[];
  answers: string[];
}

/** One location of a site. */
export interface Route {
  site: string;
  /** Lower-case host without port; `.example.com` matches every host below it and itself; `*` matches all. */
  host: string;
  /** `/` or a path without a trailing slash, e.g. `/guestbook`. */
  path: string;
}

/** The directory in SILVER_APP_CONFIG: one that travels with the release, or one of the app, as a path in it. */
export type SiteConfigDirectory = ({ of: "environment" } & ConfigDirectory) | { of: "app"; path: string };

/** Programs of the app that run all the time. */
export interface WorkerPlan {
  name: string;
  /** Program of the app and its arguments, each a plain word. */
  run: string;
  /** How many of it. */
  count: number;
  /** Seconds it has to end after SIGTERM. */
  stopSeconds: number;
  /** Memory of each, in bytes. */
  memoryBytes: number;
}

/** A program of the app that runs at its time. */
export interface JobPlan {
  name: string;
  /** Five fields as in crontab(5), or `@daily` and the like. */
  at: string;
  /** Name of the time zone in which that is meant. */
  zone: string;
  /** Program of the app and its arguments, each a plain word. */
  run: string;
  /** What happens when it is time and the last run has not ended. */
  overlap: "skip" | "allow";
  /** Seconds after which a run is ended. */
  timeoutSeconds: number;
  /** Memory of a run, in bytes. */
  memoryBytes: number;
}

/** What works beside a site's requests. */
export interface SiteWork {
  /** The one node of the site that it runs on: the first by name. */
  on: string;
  /** Sorted by name. */
  workers: WorkerPlan[];
  /** Sorted by name. */
  jobs: JobPlan[];
}

/** A Debian package inside the app. */
export interface Deb {
  path: string;
  /** SHA-256 of its bytes, in hex. */
  digest: string;
}

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
  /** Visitors reach it by https, too; absent: by http alone. */
  isHttps?: true;
  packages: string[];
  /** Packages that the app brings as files, sorted by path; absent when it brings none. */
  debs?: Deb[];
  processes: Processes;
  timeouts: Timeouts;
  limits: RequestLimits;
  check: Check;
  /** Plain values that people declared, sorted by name: shown to reviewers. */
  config: Record<string, string>;
  /** All plain values of os.environ, sorted by name: `config` and the platform's own. */
  variables: Record<string, string>;
  /** Name of the variable → version of the secret. */
  secrets: Record<string, number>;
  /** Absent when neither the environment nor the manifest gives one. */
  configDirectory?: SiteConfigDirectory;
  /** Path of a script of the app, or `module:function`, that checks the configuration before the release starts. */
  checker?: string;
  /** Absent when the app asks for none. */
  services?: SetUp[];
  /** Absent when the app declares none. */
  work?: SiteWork;
  /** Service → site, of the other sites that it asks; absent when there are none. */
  asks?: Record<string, string>;
  /** Absent when the app lists none. */
  libraries?: SiteLibraries;
  /** Releases kept on a node, the live one included. */
  retain: number;
  /** Seconds the previous release stays warm after the flip. */
  graceSeconds: number;
}

import type { SystemName } from "../systems/systems.ts";
import type { z } from "zod";
import type { Issue, Place } from "../text/issue.ts";
import type { Source } from "../text/source.ts";
import type { ProcessLimits } from "./capacity.ts";

/** What a platform reads from a manifest: the keys that are valid on their own, as the manifest has them. */
export interface Declared {
  platform?: string;
  runner?: string;
  php_root?: string;
  processes?: { threads: number };
  config?: { checker?: string };
  check?: { path: string; status?: number };
}

/** The files of an app, for a platform to check. */
export interface AppFiles {
  /** Directory of the app, from the project's root. */
  app: string;
  isFile: (path: string) => boolean;
  /** Bytes of a file, one character each; undefined when it can't be read, or has more than 1 MiB. */
  read: (path: string) => string | undefined;
  /** Paths of everything below a directory, relative to it; none when there is no such directory in the app. */
  below: (directory: string) => string[];
  /** What is wrong with a directory named in the manifest. */
  checkDirectory: (key: string, path: string) => Issue[];
  /** Position of a key's value in the manifest. */
  placeOf: (path: readonly string[]) => Place;
}

export interface Processes {
  /** Daemon processes; each takes one request per thread. In the plan of a static site: 0. */
  count: number;
  threads: number;
  /** Memory a process may allocate, in bytes. */
  memoryBytes: number;
  /** Requests after which a process is replaced. */
  requests: number;
}

export interface Timeouts {
  requestSeconds: number;
  startSeconds: number;
  /** Time the previous release has to finish its requests. */
  drainSeconds: number;
}

export interface RequestLimits {
  /** Largest body of a request, in bytes. */
  bodyBytes: number;
}

/** What a platform reads from a site's plan. */
export interface Served {
  name: string;
  runner?: string;
  phpRoot?: string;
  processes: Processes;
  timeouts: Timeouts;
  limits: RequestLimits;
  /** Absent when the app lists none. */
  libraries?: object;
}

/**
 * What a unit of a release is for, and when it starts: beside the live release, while it is prepared; or, where it may run in only one
 * release, at the cut-over, once the previous release's unit has ended.
 */
export const unitRoles = { web: "prepare", php: "prepare", worker: "cut-over", cron: "cut-over" } as const;
export type UnitRole = keyof typeof unitRoles;

/** A unit for the app's own processes. What all units of releases share is added around it. */
export interface AppUnit {
  role: UnitRole;
  /** How it ends. */
  comment: string;
  description: string;
  /** Lines of [Service]: how it starts and stops. */
  service: string[];
  /** Below /run, for the sockets by which the site's other units reach it. */
  directory?: string;
}

/** A file of a release, below its directory `conf`. */
export interface ConfFile {
  name: string;
  content: string;
}

/** How a release's Apache serves the app. */
export interface ApacheParts {
  modules: readonly string[];
  logLevels: string;
  /** Lines for the whole server; may be empty. */
  server: (site: Served) => string[];
  /** Lines for each host, before its locations. */
  host: (site: Served) => string[];
  /** Lines for requests at a location that no file of static/ answers; `path` is `/` or has no trailing slash. */
  mount: (site: Served, path: string) => string[];
}

/** What runs a checker. */
export interface Checker {
  /** Lines of [Service] that start it. */
  start: string;
  /** Variables of its own, each `NAME=value`. */
  environment: readonly string[];
  files: ConfFile[];
}

/** What a command in a release's environment needs besides the app's variables. */
export interface Commands {
  /** Variables of an interpreter, each with the places of ours that go before those of the site's own. */
  paths: Record<string, string>;
  /** The words that start an interpreter with the app loaded. */
  shell: readonly string[];
  files: ConfFile[];
}

/** How an app is run. One file each, in registry.ts by the name that a manifest gives it. */
export interface Platform {
  /** Keys of a manifest for this platform. */
  keys: Record<string, z.ZodType>;
  /** Keys of which one must be given, since it names what is run; none when nothing is run. */
  needs: readonly string[];
  /** Whether an app is of this platform when its manifest names none; absent when it must be named. */
  detect?: (declared: Declared) => boolean;
  /** Checks across keys: keys without effect here, values that can't be served. */
  judge: (declared: Declared, source: Source) => Issue[];
  /** The same for the app's files. Leaves out a runner whose file is missing. */
  judgeFiles: (declared: Declared, files: AppFiles) => Issue[];
  /** Whether the app has processes of its own beside Apache. */
  hasProcesses: boolean;
  /** Whether the app's requirements.txt lists libraries. */
  hasLibraries: boolean;
  /** Debian packages for each of its sites, besides those that every web node has. */
  packages: readonly string[];
  /** Unwanted units from these packages, by the node's system. */
  unwantedUnits: (os: SystemName) => string[];
  /** How much the app's processes may use, excluding what they start themselves. */
  limits: (processes: Processes) => ProcessLimits;
  apache: ApacheParts;
  /** Other files of its releases below `conf`. */
  files: (site: Served) => ConfFile[];
  /** In the order in which they start, all before Apache; none when Apache runs the app itself. */
  units: (site: Served) => AppUnit[];
  /**
   * Starts the app's checker; absent when an app can have none.
   * @param directory the configuration directory, relative to the release's; undefined when it has none
   */
  checker?: (checker: string, directory: string | undefined) => Checker;
  /** How commands run in a release's environment; absent when the app runs no code. */
  commands?: Commands;
}

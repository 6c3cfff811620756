import type { SystemName } from "../systems/systems.ts";
import type { z } from "zod";
import type { Issue, Place } from "../text/issue.ts";
import type { Source } from "../text/source.ts";
import type { ProcessLimits } from "./capacity.ts";

/** What a platform reads of a manifest: the keys that are right on their own, in the words of the manifest. */
export interface Declared {
  platform?: string;
  runner?: string;
  php_root?: string;
  processes?: { threads: number };
  config?: { checker?: string };
  check?: { path: string; status: number };
}

/** The files of an app, for a platform to look at. */
export interface AppFiles {
  /** Directory of the app, from the project's root. */
  app: string;
  isFile: (path: string) => boolean;
  /** Bytes of a file, a character each. */
  read: (path: string) => string;
  /** Paths of all that lies below a directory, relative to it; none where there is no such directory. */
  below: (directory: string) => string[];
  /** What is wrong with a directory that a key of the manifest names. */
  checkDirectory: (key: string, path: string) => Issue[];
  /** Place of a key's value in the manifest. */
  placeOf: (path: readonly string[]) => Place;
}

export interface Processes {
  /** Daemon processes; each holds one request a thread. In the plan of a static site: 0. */
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
  /** Longest time the previous release is given to finish what it began. */
  drainSeconds: number;
}

/** What a platform reads of a site's plan. */
export interface Served {
  name: string;
  runner?: string;
  phpRoot?: string;
  processes: Processes;
  timeouts: Timeouts;
  /** Absent where the app lists none. */
  libraries?: object;
}

/** What a unit of a release is for. No platform has workers yet; the nodes know how to hand them over. */
export const unitRoles = ["web", "php", "worker"] as const;
export type UnitRole = (typeof unitRoles)[number];

/** A unit in which the app's own processes run. What all units of releases have is written around it. */
export interface AppUnit {
  role: UnitRole;
  /** How it ends. */
  comment: string;
  description: string;
  /** Lines of [Service]: what starts it, what ends it, directories of its own. */
  service: string[];
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
  /** Lines of the whole server; none where there is nothing to say. */
  server: (site: Served) => string[];
  /** Lines of each host, before its locations. */
  host: (site: Served) => string[];
  /** Lines for what no file of static/ answers at a location; `path` is `/` or has no slash at its end. */
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

/** How an app is run. One file each, in registry.ts by the name that a manifest gives it. */
export interface Platform {
  /** Keys that a manifest has for this platform's sake. */
  keys: Record<string, z.ZodType>;
  /** Keys of which one must be given, since it tells what is run; none where nothing is. */
  needs: readonly string[];
  /** Whether an app is of this platform, where its manifest names none; absent where it must be named. */
  detect?: (declared: Declared) => boolean;
  /** What no key of a manifest can tell alone: keys without effect here, values that can't be served. */
  judge: (declared: Declared, source: Source) => Issue[];
  /** The same for the app's files. A runner that is not there is not among what is declared. */
  judgeFiles: (declared: Declared, files: AppFiles) => Issue[];
  /** Whether the app has processes of its own beside Apache. */
  hasProcesses: boolean;
  /** Whether the app's requirements.txt lists libraries. */
  hasLibraries: boolean;
  /** Debian packages of each of its sites, besides those that every web node has. */
  packages: readonly string[];
  /** Units that these packages bring, by the node's system, and that nobody asked for. */
  unwantedUnits: (os: SystemName) => string[];
  /** How much the app's processes may use, without what they start themselves. */
  limits: (processes: Processes) => ProcessLimits;
  apache: ApacheParts;
  /** What else its releases have below `conf`. */
  files: (site: Served) => ConfFile[];
  /** In the order in which they start, all before Apache; none where Apache runs the app itself. */
  units: (site: Served) => AppUnit[];
  /**
   * Starts the app's checker; absent where an app can have none.
   * @param directory the configuration directory, relative to the release's; undefined where it has none
   */
  checker?: (checker: string, directory: string | undefined) => Checker;
}

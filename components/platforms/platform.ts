import type { SystemName } from "../systems/systems.ts";
import type { z } from "zod";
import type { Issue, Place } from "../text/issue.ts";
import type { Source } from "../text/source.ts";

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
}

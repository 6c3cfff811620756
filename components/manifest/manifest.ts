import type { Processes, RequestLimits, Timeouts } from "../platforms/platform.ts";
import type { PlatformName } from "../platforms/registry.ts";
import type { ManifestTree } from "./schema.ts";

/** Keys of the same name in the file and here; absent where the app has none, or while not-yet.ts holds them back. */
type SameKeys = Pick<ManifestTree, "cache" | "cron" | "migrate" | "slow" | "static" | "test" | "workers">;

/** What an app needs, as its team wrote it in `app.yaml` or `app.ini`, with every default filled in. Plain data. */
export interface Manifest extends SameKeys {
  /** Path of the manifest file, relative to the project's root. */
  file: string;
  name: string;
  /** Semver without build metadata, or a timestamp such as `20261121_001`; absent: the content id alone. */
  version?: string;
  platform: PlatformName;
  /** Path of the WSGI, PHP or Paste Deploy file inside the app, e.g. `src/wsgi.py`, `src/app.py#app`, `src/config.ini#main`; absent for a static app, and with `phpRoot` alone. */
  runner?: string;
  /** Directory of PHP files inside the app; only of the platform php. */
  phpRoot?: string;
  /** `host[/path]`, `.example.com` or `*`: used when the environment gives the site no locations. */
  defaultLocation?: string;
  /** apt packages that the app needs on its nodes. */
  packages: string[];
  /** Paths of .deb files inside the app. */
  debs: string[];
  /** Scripts that root runs before and after the packages are installed. */
  installScripts: { before: string[]; after: string[] };
  services: Record<string, ServiceRequest>;
  config: ConfigRequest;
  check: Check;
  /** Paths to request, and `script:PROGRAM`s to run, before the cut-over. */
  updateFetch: string[];
  /** Whether the previous release works with migrated data. */
  compatibleWithPrevious: boolean;
  /** Seconds to keep the data from before a migration. */
  keepDataSeconds: number;
  processes: Processes;
  timeouts: Timeouts;
  limits: RequestLimits;
}

/** A service the app asks for; `name` is its key. */
export interface ServiceRequest {
  /** `postgres`, `files` … */
  type: string;
  /** Options of the type, e.g. `{ quota: "2G" }`: their form is checked, the service interprets them. */
  options: Record<string, string>;
}

/** The configuration that the app needs from its environment, and how it is made and checked. */
export interface ConfigRequest {
  /** Variable → what it is for. */
  required: Record<string, string>;
  default: Record<string, string>;
  /** Whether the environment must give a configuration directory. */
  directoryRequired: boolean;
  /** Directory of the app that stands in where the environment gives none. */
  defaultDirectory?: string;
  /** Directory of the app from which a configuration directory is made. */
  template?: string;
  /** Path of a script of the app, or `module:function`. */
  checker?: string;
}

/** The answer over HTTP that a release must give before it gets visitors. */
export interface Check {
  path: string;
  /** Absent when the app declares no answer: any of its own below 500 passes. */
  status?: number;
  /** Text the answer's body must contain. */
  body?: string;
  /** Asks as a proxy does that terminates TLS, with `X-Forwarded-Proto: https`; absent: as a visitor over http. */
  https?: true;
  /** Seconds a new release may take to pass. */
  withinSeconds: number;
  /** Seconds to keep checking after the cut-over. */
  watchSeconds?: number;
}

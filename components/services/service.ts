import type { ServiceRequest } from "../manifest/manifest.ts";

/** What a service of a site is made from. */
export interface ServiceUse {
  site: string;
  /** Unix user of the site. */
  user: string;
  /** Key under which the manifest asks for it. */
  name: string;
  options: ServiceRequest["options"];
  /** Data generation. */
  generation: number;
  /** Requests that the site serves at once. */
  requests: number;
}

interface SetUpBase {
  /** Key under which the manifest asks for it. */
  name: string;
  /** apt packages, installed in the site's rollout. */
  packages: string[];
}

/** A database that its owner role holds; the site's user logs in by peer authentication and works as the owner. */
export interface PostgresSetUp extends SetUpBase {
  type: "postgres";
  database: string;
  owner: string;
  user: string;
  /** Sessions that the site may have at once. */
  connections: number;
  /** Quota: a database above it can only be read. */
  bytes: number;
}

/** A directory of the site's own, on a file system of so many bytes. */
export interface FilesSetUp extends SetUpBase {
  type: "files";
  user: string;
  directory: string;
  bytes: number;
}

/** What the agent must set up before a release starts. */
export type SetUp = PostgresSetUp | FilesSetUp;

/** One type of service. A file each; `planServices` knows them all. */
export interface Service {
  setUp: (use: ServiceUse) => SetUp;
  /** Its names in the variables of 2010: `PG` makes CONFIG_PG_HOST. */
  prefix: string;
  /** apt package by which PHP speaks with it; absent where it needs none. */
  phpPackage?: string;
  /** What the app must know, by the end of the variable's name: `HOST`, or empty for the prefix alone. Every type has a `URL`. */
  values: (use: Omit<ServiceUse, "requests">) => Record<string, string>;
}

/**
 * The services of one site. They are bindings: they travel beside the release, and its id follows from none of it.
 * Absent where a site has none.
 */
export interface SiteServices {
  setUp: SetUp[];
  /** Variables of os.environ, sorted by name. */
  variables: Record<string, string>;
}

/** One service as a reviewer reads it. */
export function summary(setUp: SetUp): string {
  return `${setUp.type} ${setUp.bytes / 1024 ** 2}M`;
}

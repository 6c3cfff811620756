import { z } from "zod";
import { absolutePath, anyText, count, databaseName, packageName, siteUser, variableName } from "../text/node-names.ts";

/** What a service of a site is made from. */
export interface ServiceUse {
  site: string;
  /** Unix user of the site. */
  user: string;
  /** Key under which the manifest asks for it. */
  name: string;
  options: Record<string, string>;
  /** Data generation. */
  generation: number;
  /** Requests that the site serves at once. */
  requests: number;
}

const setUpBase = {
  /** Key under which the manifest asks for it. */
  name: anyText,
  /** apt packages, installed in the site's rollout. */
  packages: z.array(packageName),
  user: siteUser,
};

/** A database that its owner role holds; the site's user logs in by peer authentication and works as the owner. */
const postgresSetUp = z.strictObject({
  type: z.literal("postgres"),
  ...setUpBase,
  database: databaseName,
  owner: databaseName,
  /** Sessions that the site may have at once. */
  connections: count,
  /** Quota: a database above it can only be read. */
  bytes: count,
});

/** A directory of the site's own, on a file system of so many bytes. */
const filesSetUp = z.strictObject({ type: z.literal("files"), ...setUpBase, directory: absolutePath, bytes: count });

const setUp = z.discriminatedUnion("type", [postgresSetUp, filesSetUp]);
/** What the agent must set up before a release starts. */
export type SetUp = z.infer<typeof setUp>;

/** One type of service. A file each; `planServices` knows them all. */
export interface Service {
  setUp: (use: ServiceUse) => SetUp;
  /** Its names in the variables of 2010: `PG` makes CONFIG_PG_HOST. */
  prefix: string;
  /** Platform → apt package by which it speaks with the service; a platform that needs none is absent. */
  clientPackages?: Readonly<Record<string, string>>;
  /** What the app must know, by the end of the variable's name: `HOST`, or empty for the prefix alone. Every type has a `URL`. */
  values: (use: Omit<ServiceUse, "requests">) => Record<string, string>;
}

/**
 * The services of one site. They are bindings: they travel beside the release, and its id follows from none of it.
 * Absent where a site has none.
 */
export const siteServices = z.strictObject({
  setUp: z.array(setUp),
  /** Variables of os.environ, sorted by name. */
  variables: z.record(variableName, anyText),
});
export type SiteServices = z.infer<typeof siteServices>;

/** One service as a reviewer reads it. */
export function summary(setUp: SetUp): string {
  return `${setUp.type} ${setUp.bytes / 1024 ** 2}M`;
}

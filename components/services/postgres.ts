import { parseBytes } from "../text/schema/quantities.ts";
import type { Service, ServiceUse } from "./service.ts";

/** Where Debian's PostgreSQL listens for those who are known by their Unix user. */
const socketDirectory = "/var/run/postgresql";

/**
 * Releases of a site that may run at once: the new one, the live one, the previous one, which stays warm for its time, and
 * the one before that, which is not ended while a rollout is under way. Each process may keep its session open.
 */
const releasesAtOnce = 4;

/** Sessions beside those that requests hold: a migration, a person who looks. */
const spareConnections = 4;

const underscored = (site: string) => site.replaceAll("-", "_");
const database = ({ site, generation }: Pick<ServiceUse, "site" | "generation">) => `${underscored(site)}_g${generation}`;

/**
 * PostgreSQL on the site's own node. The role that logs in is named as the site's Unix user and needs no password; what the app
 * creates belongs to a second role, which nobody can log in as: taking the membership away is how writes will be stopped.
 */
export const postgres: Service = {
  prefix: "PG",
  clientPackages: { php: "php-pgsql" },
  setUp: (use) => ({
    type: "postgres",
    name: use.name,
    packages: ["postgresql"],
    database: database(use),
    owner: `${underscored(use.site)}_owner`,
    user: use.user,
    connections: releasesAtOnce * use.requests + spareConnections,
    bytes: parseBytes(use.options.quota ?? "2G"),
  }),
  values: (use) => {
    const url = `postgresql://${use.user}@/${database(use)}?host=${socketDirectory}`;
    return {
      DBNAME: database(use),
      USER: use.user,
      PASSWORD: "",
      HOST: socketDirectory,
      PORT: "5432",
      SQLALCHEMY: url,
      URL: url,
    };
  },
};

/** Whether the roles of a site would have names that PostgreSQL keeps for itself. */
export function isReserved(site: string): boolean {
  return underscored(`${site}-`).startsWith("pg_");
}

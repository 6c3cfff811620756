import { z } from "zod";
import { parseBytes, unparsedSize } from "../text/schema/quantities.ts";
import { count } from "../text/node-names.ts";
import type { ServiceType } from "./service.ts";

/**
 * Releases of a site that may run at once: the new one, the live one, the previous one, which stays warm for its time, and
 * the one before that, which is not ended while a rollout is under way. Each process may keep its session open.
 */
const releasesAtOnce = 4;

/** Sessions besides those of requests: a migration, a person. */
const spareConnections = 4;

const url = "postgresql://@USER@@/@DATABASE@?host=@SOCKET@";

/** PostgreSQL on the site's own node. The role that logs in is named as the site's Unix user and needs no password. */
export const postgres: ServiceType<{ bytes: number; connections: number }> = {
  summary: "a PostgreSQL database of the site's own, within a quota",
  options: { quota: unparsedSize("16M", "1T").describe("size above which the database can only be read, 2G by default") },
  keepsData: true,
  oldName: "postgresql",
  packages: ["postgresql"],
  clientPackages: { php: "php-pgsql" },
  told: z.strictObject({
    /** Quota: above it, a database is read-only. */
    bytes: count,
    /** Sessions the site may have at once. */
    connections: count,
  }),
  tell: ({ options, requests }) => ({
    bytes: parseBytes(options.quota ?? "2G"),
    connections: releasesAtOnce * requests + spareConnections,
  }),
  prefix: "PG",
  variables: {
    DBNAME: "@DATABASE@",
    USER: "@USER@",
    PASSWORD: "",
    HOST: "@SOCKET@",
    PORT: "@PORT@",
    SQLALCHEMY: url,
    URL: url,
  },
  writesData: false,
  refuse: (site) => {
    if (!`${site}-`.startsWith("pg-")) return undefined;
    const message = `site ${site} can't have a database: names of roles that begin with pg_ belong to PostgreSQL`;
    return { message, fix: "give the site another name" };
  },
  shown: ({ bytes }) => `${bytes / 1024 ** 2}M`,
};

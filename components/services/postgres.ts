import { z } from "zod";
import { parseBytes, unparsedSize } from "../text/schema/quantities.ts";
import { field, unparsedList, unparsedToggle } from "../text/schema/fields.ts";
import { anyText, count } from "../text/node-names.ts";
import type { ServiceType } from "./service.ts";
import { sessionsFor } from "./sessions.ts";

const url = "postgresql://@USER@@/@DATABASE@?host=@SOCKET@";
const urlOverTcp = "postgresql://@USER@:@PASSWORD@@@ADDRESS@:@PORT@/@DATABASE@";

/**
 * Extensions that come with the server on every system, and that PostgreSQL calls trusted: who owns a database may make them, since what
 * they bring gives no right that they had not.
 */
const extensions = [
  "btree_gin",
  "btree_gist",
  "citext",
  "cube",
  "dict_int",
  "fuzzystrmatch",
  "hstore",
  "intarray",
  "isn",
  "lo",
  "ltree",
  "pg_trgm",
  "pgcrypto",
  "seg",
  "tablefunc",
  "tcn",
  "tsm_system_rows",
  "tsm_system_time",
  "unaccent",
  "uuid-ossp",
] as const;

const extension = field(z.enum(extensions), {
  code: "bad-choice",
  must: `one of ${extensions.join(", ")}`,
  example: "pg_trgm",
  explain: (value) => (String(value).startsWith("postgis") ? { fix: "ask for a service of the type postgis" } : undefined),
});

/** PostgreSQL on the site's own node. The role that logs in is named as the site's Unix user and needs no password. */
const database: ServiceType<{ bytes: number; connections: number; extensions?: string; tcp?: "on" }> = {
  summary: "a PostgreSQL database of the site's own, within a quota",
  options: {
    quota: unparsedSize("16M", "1T").describe("size above which the database can only be read, 2G by default"),
    extensions: unparsedList(extension, "a list of extensions", "[pg_trgm, unaccent]").describe(
      "extensions of PostgreSQL that the database has",
    ),
    tcp: unparsedToggle().describe("whether the app comes by address, port and password instead of a socket, false by default"),
  },
  keepsData: true,
  packages: ["postgresql"],
  clientPackages: { php: "php-pgsql" },
  told: z.strictObject({
    /** Quota: above it, a database is read-only. */
    bytes: count,
    /** Sessions the site may have at once. */
    connections: count,
    /** With a comma between them, sorted; absent: none. */
    extensions: anyText.exactOptional(),
    /** Absent: it listens on its socket alone. */
    tcp: z.enum(["on"]).exactOptional(),
  }),
  tell: ({ options, ...use }) => ({
    bytes: parseBytes(options.quota ?? "2G"),
    connections: sessionsFor(use),
    ...(options.extensions === undefined ? {} : { extensions: options.extensions.split(",").sort().join(",") }),
    ...(options.tcp === "true" ? { tcp: "on" } : {}),
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
  overTcp: { PASSWORD: "@PASSWORD@", HOST: "@ADDRESS@", SQLALCHEMY: urlOverTcp, URL: urlOverTcp },
  writesData: false,
  refuse: (site) => {
    if (!`${site}-`.startsWith("pg-")) return undefined;
    const message = `site ${site} can't have a database: names of roles that begin with pg_ belong to PostgreSQL`;
    return { message, fix: "give the site another name" };
  },
  disk: ({ bytes }) => bytes,
  shown: ({ bytes, extensions: asked, tcp }) =>
    [`${bytes / 1024 ** 2}M`, ...(asked === undefined ? [] : [asked]), ...(tcp === undefined ? [] : ["by TCP"])].join(" "),
  external: {
    schemes: ["postgresql", "postgres"],
    port: 5432,
    takes: ["name", "user", "password", "tls"],
    needs: ["name", "user"],
    tlsQuery: "sslmode=verify-full&sslrootcert=@CA@",
    // libpq reads them for whoever names host and port alone.
    tlsVariables: { PGSSLMODE: "verify-full", PGSSLROOTCERT: "@CA@" },
    variables: {
      DBNAME: "@NAME@",
      USER: "@USER@",
      PASSWORD: "@PASSWORD@",
      HOST: "@HOST@",
      PORT: "@PORT@",
      SQLALCHEMY: "@URL@",
      URL: "@URL@",
    },
  },
};

export const postgres: typeof database = { ...database, oldName: "postgresql" };

/** The same server, whose database is made with PostGIS. */
export const postgis: typeof database = {
  ...database,
  summary: "a PostgreSQL database with PostGIS, within a quota",
  // The distribution's, for its PostgreSQL.
  packages: [...database.packages, "postgresql-postgis"],
};

import { z } from "zod";
import { unparsedToggle } from "../text/schema/fields.ts";
import { parseBytes, unparsedSize } from "../text/schema/quantities.ts";
import { count } from "../text/node-names.ts";
import type { ServiceType } from "./service.ts";
import { sessionsFor } from "./sessions.ts";

/** MySQLdb and PyMySQL, which SQLAlchemy and Django use, read both parameters. */
const url = "mysql://@USER@@localhost/@DATABASE@?unix_socket=@SOCKET@&charset=utf8mb4";
const urlOverTcp = "mysql://@USER@:@PASSWORD@@@ADDRESS@:@PORT@/@DATABASE@?charset=utf8mb4";

/**
 * MariaDB on the site's own node, with tables of InnoDB alone. The account that logs in is named as the site's Unix user and needs no
 * password. The site's units have its socket where clients look for the one of `localhost`.
 */
export const mysql: ServiceType<{ bytes: number; connections: number; tcp?: "on" }> = {
  summary: "a MySQL database of the site's own, by MariaDB, within a quota",
  options: {
    quota: unparsedSize("16M", "1T").describe("size above which rows can only be read and deleted, 1G by default"),
    tcp: unparsedToggle().describe("whether the app comes by address, port and password instead of a socket, false by default"),
  },
  keepsData: true,
  // Without the package that has a server of its own.
  packages: ["mariadb-client-core", "mariadb-server-core"],
  clientPackages: { php: "php-mysql" },
  told: z.strictObject({
    /** Quota: above it, nothing can be added to a database. */
    bytes: count,
    /** Connections the site may have at once. */
    connections: count,
    /** Absent: it listens on its socket alone. */
    tcp: z.enum(["on"]).exactOptional(),
  }),
  tell: ({ options, ...use }) => ({
    bytes: parseBytes(options.quota ?? "1G"),
    connections: sessionsFor(use),
    ...(options.tcp === "true" ? { tcp: "on" } : {}),
  }),
  prefix: "MYSQL",
  variables: {
    DBNAME: "@DATABASE@",
    USERNAME: "@USER@",
    USER: "@USER@",
    PASSWORD: "",
    HOST: "localhost",
    PORT: "3306",
    SOCKET: "@SOCKET@",
    SQLALCHEMY: url,
    URL: url,
  },
  // Without its socket, as one that somebody else runs: some clients would come there, whatever the host.
  overTcp: { PASSWORD: "@PASSWORD@", HOST: "@ADDRESS@", PORT: "@PORT@", SOCKET: "", SQLALCHEMY: urlOverTcp, URL: urlOverTcp },
  // For every client of MySQL, in whatever language, "localhost" is a socket there.
  socketDirectory: { placeholder: "@MYSQL@", path: "/run/mysqld" },
  writesData: false,
  disk: ({ bytes }) => bytes,
  shown: ({ bytes, tcp }) => [`${bytes / 1024 ** 2}M`, ...(tcp === undefined ? [] : ["by TCP"])].join(" "),
  external: {
    schemes: ["mysql", "mariadb"],
    port: 3306,
    takes: ["name", "user", "password", "tls"],
    needs: ["name", "user"],
    query: "charset=utf8mb4",
    // Words of SQLAlchemy for its drivers; others are told by CONFIG_MYSQL_CA.
    tlsQuery: "ssl_ca=@CA@&ssl_check_hostname=true",
    variables: {
      DBNAME: "@NAME@",
      USERNAME: "@USER@",
      USER: "@USER@",
      PASSWORD: "@PASSWORD@",
      HOST: "@HOST@",
      PORT: "@PORT@",
      SOCKET: "",
      SQLALCHEMY: "@URL@",
      URL: "@URL@",
      CA: "@CA@",
    },
  },
};

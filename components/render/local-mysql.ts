/** For every client of MySQL, in whatever language, "localhost" is a socket in this directory. */
const directory = "/run/mysqld";

/** The line by which a site's units find their own server's socket there; empty where it has none. */
export const localMysql = (types: readonly string[]): string =>
  types.includes("mysql") ? `\nBindReadOnlyPaths=-@MYSQL@:${directory}` : "";

import type { Route } from "./plan.ts";

/** Host and path of a route. */
export type Location = Pick<Route, "host" | "path">;

/** Splits a location of a manifest or an environment, `host[/path]`: the schema has validated and lower-cased it. */
export function parseLocation(text: string): Location {
  const slash = text.indexOf("/");
  return slash === -1 ? { host: text, path: "/" } : { host: text.slice(0, slash), path: text.slice(slash) };
}

/** A location as text: the inverse of `parseLocation`. */
export function locationText({ host, path }: Location): string {
  return path === "/" ? host : host + path;
}

/**
 * Where a browser finds a location. A suffix matches its own name, too.
 * @param address of the node, for a location of every host
 */
export function urlText({ host, path }: Location, address: string, isHttps: boolean): string {
  return `${isHttps ? "https" : "http"}://${host === "*" ? address : host.replace(/^\./, "")}${path}`;
}

/** Whether every request for `other` is one for `one`, too. */
export function covers(one: Location, other: Location): boolean {
  const host = one.host === "*" || one.host === other.host || (one.host.startsWith(".") && `.${other.host}`.endsWith(one.host));
  return host && (one.path === "/" || `${other.path}/`.startsWith(`${one.path}/`));
}

/**
 * Most specific first: exact hosts, then suffixes (longest first), then `*`; of one host the longer path first.
 * Equally specific ones are in alphabetical order, so that one set of routes has one order.
 */
export function compareLocations(one: Location, other: Location): number {
  return (
    hostRank(one.host) - hostRank(other.host) ||
    (hostRank(one.host) === 1 ? other.host.length - one.host.length : 0) ||
    compareText(one.host, other.host) ||
    other.path.length - one.path.length ||
    compareText(one.path, other.path)
  );
}

function hostRank(host: string): number {
  return host === "*" ? 2 : host.startsWith(".") ? 1 : 0;
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

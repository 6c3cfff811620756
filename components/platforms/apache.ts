import { regexLiteral } from "../text/literals.ts";
import type { Served } from "./platform.ts";

/** Links are safe: a bundle with one that leaves the app is refused. */
export const followLinks = "  Options FollowSymLinks";

/** How a file is served that is not code. */
export function staticFiles(site: Pick<Served, "name">): string[] {
  return [
    "  AddDefaultCharset utf-8",
    "  AddCharset utf-8 .css .js .mjs",
    "  # The agent sets each file's mtime from its content: the ETag follows the bytes, and no date is told.",
    "  FileETag MTime Size",
    "  Header unset Last-Modified",
    "  RequestHeader unset If-Modified-Since",
    "  RequestHeader unset If-Unmodified-Since",
    "  Header set Cache-Control \"max-age=0, must-revalidate\" \"expr=%{REQUEST_STATUS} -in {'200','206','304'}\"",
    `  Header always set X-Silver-Release "${site.name} @RELEASE@"`,
    "  Header always set X-Silver-Static yes",
  ];
}

/** Not found; a path without its trailing slash redirects to the one with it. */
export function notFound(prefix: string): string[] {
  const at = regexLiteral(prefix);
  return [...(prefix === "" ? [] : [`RewriteRule "^${at}$" "${prefix}/" [R=302,L]`]), `RewriteRule "^${at}(/|$)" - [R=404,L]`];
}

/** The path of a location, as a prefix of the paths below it. */
export const prefixOf = (path: string): string => (path === "/" ? "" : path);

import { regexLiteral } from "../text/literals.ts";
import type { Served } from "./platform.ts";

/** Links are safe: a bundle with one that leaves the app is refused. */
export const followLinks = "  Options FollowSymLinks";

/** What Apache and mod_wsgi keep while they run: each unit has one of its own here, in memory. */
export const apacheDirectory = "/run/silver/apache";

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
    "  Header always set X-Silver-Static yes \"expr=-z req_novary('X-Silver-Pipe')\"",
  ];
}

/** Types that are made to be compressed, by the end of a name. */
const textTypes = {
  css: "text/css",
  csv: "text/csv",
  html: "text/html",
  js: "text/javascript",
  json: "application/json",
  map: "application/json",
  md: "text/markdown",
  mjs: "text/javascript",
  svg: "image/svg+xml",
  txt: "text/plain",
  webmanifest: "application/manifest+json",
  xml: "text/xml",
};

/**
 * Lines for the whole server: compressed copies of texts, such as style.css.gz, are sent as what they are copies of. Any other
 * archive is a download, whose bytes must arrive as they are: Varnish decompresses for clients that take no gzip.
 */
export function compressedTexts(): string[] {
  const ends = Object.keys(textTypes).join("|");
  return [
    `<FilesMatch "\\.(?:svgz|(?:${ends})\\.(?:gz|br))$">`,
    "  AddEncoding gzip .gz .svgz",
    "  AddEncoding br .br",
    "</FilesMatch>",
    ...Object.entries(textTypes).map(
      ([end, type]) => `<FilesMatch "\\.${end}\\.(?:gz|br)$">\n  ForceType "${type}; charset=utf-8"\n</FilesMatch>`,
    ),
  ];
}

/** Variable of Apache with the file that answers a request. */
export const fileVariable = "SILVER_FILE";

/** Flag of a rule that serves a file: its path, which may refer to the rule's groups. */
export const asFile = (path: string): string => `E=${fileVariable}:${path}`;

/** Variable of Apache with the scheme that the visitor used. */
export const schemeVariable = "SILVER_SCHEME";

/**
 * Redirects the path of a directory to the one with a slash, where the conditions before it are met. To the path as it was asked for,
 * still encoded, with the visitor's scheme, which Apache does not know by itself.
 */
export function toDirectory(pattern: string): string[] {
  return [
    'RewriteCond "%{THE_REQUEST}" "^\\S+ ([^ ?]+)"',
    `RewriteRule "${pattern}" "%{ENV:${schemeVariable}}://%{HTTP_HOST}%1/" [R=302,NE,L]`,
  ];
}

/** Not found; a path without its trailing slash redirects to the one with it. */
export function notFound(prefix: string): string[] {
  const at = regexLiteral(prefix);
  return [...(prefix === "" ? [] : toDirectory(`^${at}$`)), `RewriteRule "^${at}(/|$)" - [R=404,L]`];
}

/** The path of a location, as a prefix of the paths below it. */
export const prefixOf = (path: string): string => (path === "/" ? "" : path);

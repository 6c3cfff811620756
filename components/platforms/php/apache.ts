import { posix } from "node:path";
import { apacheString, regexLiteral } from "../../text/literals.ts";
import { followLinks, notFound, prefixOf, staticFiles } from "../apache.ts";
import type { ApacheParts, Served } from "../platform.ts";
import { answerSeconds } from "../request-limits.ts";

/** PHP's part of Apache: it hands scripts over to php-fpm. */
export const phpApache: ApacheParts = {
  modules: ["proxy", "proxy_fcgi"],
  logLevels: "warn",
  server: fastCgi,
  host: () => [],
  mount: (site, path) => {
    const prefix = prefixOf(path);
    // A runner answers all that is left.
    return [...mountPhp(site, prefix), ...(site.runner === undefined ? notFound(prefix) : [])];
  },
};

/** PHP runs what a rule of a mount says, and nothing else, whatever its name. */
function fastCgi(site: Served): string[] {
  const { runner, phpRoot, name } = site;
  const directory = phpRoot ?? posix.dirname(runner ?? "");
  const ifScript = '"expr=%{HANDLER} =~ m#^proxy:#"';
  return [
    "# Longer than php-fpm itself gives a request, and what waited before it.",
    `ProxyTimeout ${answerSeconds(site)}`,
    `ProxyFCGISetEnvIf true SCRIPT_NAME "%{reqenv:${scriptVariable}}"`,
    `ProxyFCGISetEnvIf true PATH_INFO "%{reqenv:${pathVariable}}"`,
    `ProxyFCGISetEnvIf true DOCUMENT_ROOT ${apacheString(appPath(directory))}`,
    ...[scriptVariable, pathVariable, "CONTEXT_DOCUMENT_ROOT", "CONTEXT_PREFIX"].map((one) => `ProxyFCGISetEnvIf true !${one}`),
    "# What PHP answers is marked, and what Apache says when PHP is gone is not. (A script's headers count as `always`.)",
    `Header always unset X-Silver-Release ${ifScript}`,
    `Header always unset X-Silver-Static ${ifScript}`,
    `Header onsuccess set X-Silver-Release "${name} @RELEASE@" ${ifScript}`,
    ...(runner === undefined ? [] : runnerFile(runner)),
    ...(phpRoot === undefined ? [] : rootFiles(site, phpRoot)),
  ];
}

function runnerFile(runner: string): string[] {
  return [
    `<Directory ${apacheString(appPath(posix.dirname(runner)))}>`,
    followLinks,
    `  <Files ${apacheString(posix.basename(runner))}>`,
    "    CGIPassAuth On",
    "    Require all granted",
    "  </Files>",
    "</Directory>",
  ];
}

function rootFiles(site: Served, phpRoot: string): string[] {
  return [
    `<Directory ${apacheString(appPath(phpRoot))}>`,
    followLinks,
    "  Require all granted",
    ...(site.runner === undefined ? ["  CGIPassAuth On"] : []),
    '  <FilesMatch "(?<!\\.php)$">',
    ...staticFiles(site).map((line) => `  ${line}`),
    "  </FilesMatch>",
    "</Directory>",
  ];
}

const appPath = (path: string): string => (path === "." ? "@ROOT@/app" : `@ROOT@/app/${path}`);

/** URL of the script that answers a request: of the runner, as if it were asked by its name. */
const scriptVariable = "SILVER_SCRIPT";
/** What of the request's path is left for the script. */
const pathVariable = "SILVER_PATH";

/** Below /run: the directory of the unit with PHP. That of the unit with Apache goes with every end of Apache. */
export const phpDirectory = "silver/@VCL@-php";
/** Where php-fpm takes requests. */
export const phpSocket = `/run/${phpDirectory}/fpm.sock`;

function mountPhp({ runner, phpRoot }: Served, prefix: string): string[] {
  const at = regexLiteral(prefix);
  const files = phpRoot === undefined ? [] : mountFiles(phpRoot, at);
  // Not only to the end of the line: a path may hold an escaped one.
  if (runner !== undefined)
    return [...files, `RewriteRule "(?s)^${at}(/.*)?$" "${appPath(runner)}" ${run(`${prefix}/${posix.basename(runner)}`, "$1")}`];
  return phpRoot === undefined ? [] : [...files, ...mountScripts(phpRoot, prefix)];
}

/** What stands beside scripts is served as it is, but for what no web server shows: names that begin with a dot. */
function mountFiles(phpRoot: string, at: string): string[] {
  return [
    `RewriteCond "${appPath(phpRoot)}/$1" -f`,
    'RewriteCond "$1" "!(^|/)\\.(?!well-known/)"',
    'RewriteCond "$1" "!\\.php$" [NC]',
    `RewriteRule "^${at}/(.+)$" "${appPath(phpRoot)}/$1" [L]`,
  ];
}

/** As web servers have it: a script by its path, with more behind it or not, or the index of a directory. */
function mountScripts(phpRoot: string, prefix: string): string[] {
  const at = regexLiteral(prefix);
  const root = appPath(phpRoot);
  return [
    `RewriteCond "${root}/$1" -f`,
    `RewriteRule "(?s)^${at}/(.+?\\.php)(/.*)?$" "${root}/$1" ${run(`${prefix}/$1`, "$2")}`,
    `RewriteCond "${root}/$1index.php" -f`,
    `RewriteRule "^${at}/(|.*/)$" "${root}/$1index.php" ${run(`${prefix}/$1index.php`, "")}`,
    `RewriteCond "${root}/$1index.html" -f`,
    `RewriteRule "^${at}/(|.*/)$" "${root}/$1index.html" [L]`,
    `RewriteCond "${root}/$1/index.php" -f [OR]`,
    `RewriteCond "${root}/$1/index.html" -f`,
    `RewriteRule "^${at}/(.*[^/])$" "${prefix}/$1/" [R=302,L]`,
  ];
}

/** Flags of a rule whose file PHP runs. */
function run(script: string, path: string): string {
  return `"[L,H=proxy:unix:${phpSocket}|fcgi://php,E=${scriptVariable}:${script},E=${pathVariable}:${path}]"`;
}

import { posix } from "node:path";
import { apacheString, regexLiteral } from "../../text/literals.ts";
import { followLinks, notFound, prefixOf, staticFiles } from "../apache.ts";
import type { ApacheParts, Served } from "../platform.ts";
import { answerSeconds } from "../request-limits.ts";

/** PHP's part of Apache: it passes scripts to php-fpm. */
export const phpApache: ApacheParts = {
  modules: ["proxy", "proxy_fcgi"],
  logLevels: "warn",
  server: fastCgi,
  host: () => [],
  mount: (site, path) => {
    const prefix = prefixOf(path);
    // A runner answers everything else.
    return [...mountPhp(site, prefix), ...(site.runner === undefined ? notFound(prefix) : [])];
  },
};

/** PHP runs only what a rule of a mount names, whatever a file's name. */
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

/** URL of the script that answers a request: the runner's, as if it were requested by name. */
const scriptVariable = "SILVER_SCRIPT";
/** The rest of the request's path, for the script. */
const pathVariable = "SILVER_PATH";

/** Below /run, in the directory of the unit with PHP: Apache's is removed whenever Apache ends. */
export const phpDirectory = "silver/@VCL@-php";
/** Where php-fpm listens. */
export const phpSocket = `/run/${phpDirectory}/fpm.sock`;

function mountPhp({ runner, phpRoot }: Served, prefix: string): string[] {
  const at = regexLiteral(prefix);
  const files = phpRoot === undefined ? [] : mountFiles(phpRoot, at);
  // Match beyond the end of a line: a path may contain an escaped newline.
  if (runner !== undefined)
    return [...files, `RewriteRule "(?s)^${at}(/.*)?$" "${appPath(runner)}" ${run(`${prefix}/${posix.basename(runner)}`, "$1")}`];
  return phpRoot === undefined ? [] : [...files, ...mountScripts(phpRoot, prefix)];
}

/** Files beside scripts are served as they are, except names that begin with a dot, which no web server shows. */
function mountFiles(phpRoot: string, at: string): string[] {
  return [
    `RewriteCond "${appPath(phpRoot)}/$1" -f`,
    'RewriteCond "$1" "!(^|/)\\.(?!well-known/)"',
    'RewriteCond "$1" "!\\.php$" [NC]',
    `RewriteRule "^${at}/(.+)$" "${appPath(phpRoot)}/$1" [L]`,
  ];
}

/** As in other web servers: a script by its path, with or without more behind it, or a directory's index. */
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

/** Flags of a rule for files that PHP runs. */
function run(script: string, path: string): string {
  return `"[L,H=proxy:unix:${phpSocket}|fcgi://php,E=${scriptVariable}:${script},E=${pathVariable}:${path}]"`;
}

import { posix } from "node:path";
import { apacheString, regexLiteral } from "../../text/literals.ts";
import { asFile, followLinks, notFound, prefixOf, schemeVariable, staticFiles, toDirectory } from "../apache.ts";
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
  const ifApaches = "\"expr=%{REQUEST_STATUS} -in {'302','404'} && %{HANDLER} !~ m#^proxy:#\"";
  const ifScript = '"expr=%{HANDLER} =~ m#^proxy:#"';
  return [
    "# Longer than php-fpm itself gives a request, and what waited before it.",
    `ProxyTimeout ${answerSeconds(site)}`,
    "# What a script has sent goes out when it pauses, not with the rest. Errors are ignored as without this: PHP that is gone is soon back.",
    `<Proxy "${phpWorker}">`,
    "  ProxySet flushpackets=auto status=+I",
    "</Proxy>",
    `ProxyFCGISetEnvIf true SCRIPT_NAME "%{reqenv:${scriptVariable}}"`,
    `ProxyFCGISetEnvIf true PATH_INFO "%{reqenv:${pathVariable}}"`,
    ...uriParts(),
    `ProxyFCGISetEnvIf true REQUEST_SCHEME "%{reqenv:${schemeVariable}}"`,
    `ProxyFCGISetEnvIf "reqenv('HTTPS') == 'on' && %{HTTP_HOST} !~ /:[0-9]+$/" SERVER_PORT 443`,
    `ProxyFCGISetEnvIf true DOCUMENT_ROOT ${apacheString(appPath(directory))}`,
    ...[scriptVariable, pathVariable, schemeVariable, "CONTEXT_DOCUMENT_ROOT", "CONTEXT_PREFIX"].map(
      (one) => `ProxyFCGISetEnvIf true !${one}`,
    ),
    "# What PHP answers is marked, and what Apache says when PHP is gone is not. (A script's headers count as `always`.)",
    `Header always unset X-Silver-Release ${ifScript}`,
    `Header always unset X-Silver-Static ${ifScript}`,
    `Header onsuccess set X-Silver-Release "${name} @RELEASE@" ${ifScript}`,
    // Nothing else answers: not found, or another path for a directory, is such an app's own word.
    ...(runner === undefined ? [`Header always set X-Silver-Release "${name} @RELEASE@" ${ifApaches}`] : []),
    ...(runner === undefined ? [] : runnerFile(runner)),
    ...(phpRoot === undefined ? [] : rootFiles(site, phpRoot)),
  ];
}

/** mod_proxy_fcgi leaves out a variable of more than 16 kB: for conf/prepend.php an address of up to 64 kB also comes in parts. */
function uriParts(): string[] {
  const part = 15_000;
  return [0, 1, 2, 3, 4].map(
    (index) =>
      `ProxyFCGISetEnvIf "%{THE_REQUEST} =~ m#^\\S+ (?=\\S{${part}})\\S{${index * part}}(\\S{1,${part}})#" SILVER_URI_${index + 1} "$1"`,
  );
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
/** What stands before that rest in the path: conf/prepend.php takes it away. */
const beforeVariable = "SILVER_BEFORE";

/** Below /run, in the directory of the unit with PHP: Apache's is removed whenever Apache ends. */
export const phpDirectory = "silver/@VCL@-php";
/** Where php-fpm listens. */
export const phpSocket = `/run/${phpDirectory}/fpm.sock`;
/** By this name Apache knows php-fpm. */
const phpWorker = "fcgi://php";

function mountPhp({ runner, phpRoot }: Served, prefix: string): string[] {
  const at = regexLiteral(prefix);
  const files = phpRoot === undefined ? [] : mountFiles(phpRoot, at);
  // Match beyond the end of a line: a path may contain an escaped newline.
  if (runner !== undefined)
    return [
      ...files,
      `RewriteRule "(?s)^${at}(/.*)?$" "${appPath(runner)}" ${run(`${prefix}/${posix.basename(runner)}`, "$1", prefix)}`,
    ];
  return phpRoot === undefined ? [] : [...files, ...mountScripts(phpRoot, prefix)];
}

/** Files beside scripts are served as they are, except names that begin with a dot, which no web server shows. */
function mountFiles(phpRoot: string, at: string): string[] {
  return [
    `RewriteCond "${appPath(phpRoot)}/$1" -f`,
    'RewriteCond "$1" "!(^|/)\\.(?!well-known/)"',
    'RewriteCond "$1" "!\\.php$" [NC]',
    `RewriteRule "^${at}/(.+)$" - "[L,${asFile(`${appPath(phpRoot)}/$1`)}]"`,
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
    `RewriteRule "^${at}/(|.*/)$" - "[L,${asFile(`${root}/$1index.html`)}]"`,
    `RewriteCond "${root}/$1/index.php" -f [OR]`,
    `RewriteCond "${root}/$1/index.html" -f`,
    ...toDirectory(`^${at}/(.*[^/])$`),
  ];
}

/** Flags of a rule for files that PHP runs. */
function run(script: string, path: string, before = script): string {
  const variables = { [scriptVariable]: script, [pathVariable]: path, [beforeVariable]: before };
  const flags = Object.entries(variables).map(([name, value]) => `E=${name}:${value}`);
  return `"[L,H=proxy:unix:${phpSocket}|${phpWorker},${flags.join(",")}]"`;
}

import { posix } from "node:path";
import type { Route, SitePlan } from "../plan/plan.ts";
import { capacity } from "../plan/capacity.ts";
import { apacheString, regexLiteral } from "./quote.ts";

/** A host name for the prober alone: no site's location can be it, and its answer asks nothing of the app. */
export const aliveHost = "alive.silver";

const modules = ["mpm_event", "authz_core", "alias", "dir", "mime", "headers", "rewrite", "remoteip", "reqtimeout"] as const;

/** The whole configuration of the one Apache of a release: nothing of /etc/apache2 is read. */
export function renderApacheConfig(site: SitePlan): string {
  const parts = [server(site), workers(site), limits(), logging(site), files(site)];
  if (site.platform === "python") parts.push(daemon(site));
  if (site.platform === "php") parts.push(fastCgi(site));
  parts.push(hosts(site));
  return parts.map((lines) => `${lines.join("\n")}\n`).join("\n");
}

function server(site: SitePlan): string[] {
  const own = { python: ["wsgi"], php: ["proxy", "proxy_fcgi"], static: [] }[site.platform];
  return [
    `# Apache of one release of the site ${site.name}: started and ended by its unit, never reloaded.`,
    'ServerRoot "@ROOT@"',
    "ServerName localhost",
    "Listen @ADDRESS@:@PORT@",
    'DefaultRuntimeDir "/run/silver/@VCL@"',
    'PidFile "/run/silver/@VCL@/apache.pid"',
    ...[...modules, ...own].map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
    "ServerTokens Prod",
    "ServerSignature Off",
    "TraceEnable Off",
    "UseCanonicalName Off",
    "Protocols http/1.1",
  ];
}

function workers(site: SitePlan): string[] {
  const { children, workers, threadsPerChild } = capacity(site);
  return [
    "# More workers than Varnish may use at once, so that the prober and the check are answered when all of those wait for the app.",
    "StartServers 1",
    `ServerLimit ${children}`,
    `ThreadLimit ${threadsPerChild}`,
    `ThreadsPerChild ${threadsPerChild}`,
    `MaxRequestWorkers ${workers}`,
    "MinSpareThreads 16",
    `MaxSpareThreads ${workers}`,
    `GracefulShutdownTimeout ${site.timeouts.drainSeconds}`,
  ];
}

function limits(): string[] {
  return [
    "Timeout 60",
    "# Longer than Varnish keeps an idle connection (60 s): it must be Varnish that closes.",
    "KeepAlive On",
    "KeepAliveTimeout 65",
    "MaxKeepAliveRequests 0",
    "RequestReadTimeout header=20-40,minrate=500 body=10,minrate=500",
    "# Varnish is the only one to ask, and tells who asked it.",
    "RemoteIPHeader X-Forwarded-For",
    "RemoteIPInternalProxy 127.0.0.0/8",
  ];
}

function logging(site: SitePlan): string[] {
  // At level info mod_wsgi writes down where a process stood that ran out of its request's time.
  const levels = site.platform === "python" ? "warn wsgi:info" : "warn";
  return [
    `ErrorLog "|/usr/bin/systemd-cat -t silver-${site.name}"`,
    `LogLevel ${levels}`,
    'ErrorLogFormat "[%-m:%l] [pid %P] %M"',
  ];
}

function files(site: SitePlan): string[] {
  return [
    "TypesConfig /etc/mime.types",
    "<Directory />",
    "  AllowOverride None",
    "  Options None",
    "  Require all denied",
    "</Directory>",
    '<Directory "@ROOT@/app/static">',
    "  # No link leads out of the app: such a bundle is refused.",
    "  Options FollowSymLinks",
    "  Require all granted",
    ...staticFiles(site),
    "</Directory>",
    '<Directory "@ROOT@/conf">',
    "  Require all granted",
    "</Directory>",
  ];
}

/** How a file of a directory is served that is no code. */
function staticFiles(site: SitePlan): string[] {
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

function daemon(site: SitePlan): string[] {
  const { processes, timeouts } = site;
  const options: Record<string, string | number> = {
    processes: processes.count,
    threads: processes.threads,
    "request-timeout": timeouts.requestSeconds,
    "startup-timeout": timeouts.startSeconds,
    "queue-timeout": queueSeconds,
    "connect-timeout": 5,
    "socket-timeout": answerSeconds(site),
    "deadlock-timeout": 10,
    "shutdown-timeout": shutdownSeconds,
    "graceful-timeout": 15,
    "eviction-timeout": 15,
    "maximum-requests": processes.requests,
    "memory-limit": processes.memoryBytes,
    "listen-backlog": 128,
    home: '"@ROOT@/app"',
    lang: "C.UTF-8",
    locale: "C.UTF-8",
    "display-name": "%{GROUP}",
    // Before what the system has, .pth files and all; conf/wsgi.py puts the app's own directories before it.
    ...(site.libraries === undefined ? {} : { "python-path": '"@ROOT@/wheels"' }),
  };
  return [
    "WSGIRestrictEmbedded On",
    'WSGISocketPrefix "/run/silver/@VCL@/wsgi"',
    "# A release never changes: a new one is a new Apache.",
    "WSGIScriptReloading Off",
    "WSGIPassAuthorization On",
    `WSGIDaemonProcess ${wsgiGroup} \\`,
    Object.entries(options)
      .map(([name, value]) => `  ${name}=${value}`)
      .join(" \\\n"),
  ];
}

/** PHP runs what a rule of a mount says, and nothing else, whatever its name. */
function fastCgi(site: SitePlan): string[] {
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

/** Code is often reached by links, and those of a bundle stay in it. */
const followLinks = ["  Options FollowSymLinks"];

function runnerFile(runner: string): string[] {
  return [
    `<Directory ${apacheString(appPath(posix.dirname(runner)))}>`,
    ...followLinks,
    `  <Files ${apacheString(posix.basename(runner))}>`,
    "    CGIPassAuth On",
    "    Require all granted",
    "  </Files>",
    "</Directory>",
  ];
}

function rootFiles(site: SitePlan, phpRoot: string): string[] {
  return [
    `<Directory ${apacheString(appPath(phpRoot))}>`,
    ...followLinks,
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

/** Where php-fpm takes requests: in the unit's own directory, for its user alone. */
export const phpSocket = "/run/silver/@VCL@/php.sock";

const wsgiGroup = "app";
/** Seconds after which a request that no process took is answered 504. */
export const queueSeconds = 15;
/** Seconds a process may take to end before it is killed. */
export const shutdownSeconds = 2;
/** Seconds within which the app itself must begin an answer, or is ended for it: whoever stands before it waits at least as long. */
export const answerSeconds = ({ timeouts }: SitePlan): number => queueSeconds + timeouts.requestSeconds + shutdownSeconds;

/**
 * A virtual host for each host the site is routed by, since each may mount the site at other paths. The first one answers
 * for hosts that no other one names.
 */
function hosts(site: SitePlan): string[] {
  const byHost = Map.groupBy(site.routes, ({ host }) => host);
  const others = byHost.get("*") ?? [];
  byHost.delete("*");
  return [
    ...virtualHost(["ServerName others.silver", ...mounts(site, others)]),
    ...virtualHost([`ServerName ${aliveHost}`, "RewriteEngine On", "RewriteRule ^ - [R=204,L]"]),
    ...[...byHost].flatMap(([host, routes]) => {
      const bare = host.replace(/^\./, "");
      const alias = host.startsWith(".") ? [`ServerAlias ${apacheString(`*.${bare}`)}`] : [];
      return virtualHost([`ServerName ${apacheString(bare)}`, ...alias, ...mounts(site, routes)]);
    }),
  ];
}

function virtualHost(lines: string[]): string[] {
  return ["<VirtualHost *:*>", ...lines.map((line) => `  ${line}`), "</VirtualHost>"];
}

/** Where no route leads there is nothing; below each route first the files of static/, then the app. */
function mounts(site: SitePlan, routes: Route[]): string[] {
  const paths = routes.map(({ path }) => path);
  const elsewhere = paths
    .filter((path) => path !== "/")
    .map((path) => `RewriteCond "%{REQUEST_URI}" "!^${regexLiteral(path)}(/|$)"`);
  return [
    // An answer that there is no such file is a static app's own; of another app only code can say so.
    ...(site.platform === "static" ? [`Header always set X-Silver-Release "${site.name} @RELEASE@"`] : []),
    "RewriteEngine On",
    ...(paths.includes("/") ? [] : [...elsewhere, "RewriteRule ^ - [R=404,L]"]),
    ...paths.flatMap((path) => mount(site, path)),
  ];
}

/** As in Silver Lining: a file, then a directory's index.html, then the app, which is told where it is mounted. */
function mount(site: SitePlan, path: string): string[] {
  const prefix = path === "/" ? "" : path;
  const at = regexLiteral(prefix);
  return [
    'RewriteCond "@ROOT@/app/static/$1" -f',
    `RewriteRule "^${at}/(.+)$" "@ROOT@/app/static/$1" [L]`,
    'RewriteCond "@ROOT@/app/static/$1/index.html" -f',
    `RewriteRule "^${at}/(.*[^/])$" "${prefix}/$1/" [R=302,L]`,
    'RewriteCond "@ROOT@/app/static/$1index.html" -f',
    `RewriteRule "^${at}/(|.*/)$" "@ROOT@/app/static/$1index.html" [L]`,
    ...mountApp(site, path),
  ];
}

/** What answers below a route when no file of static/ does. */
function mountApp(site: SitePlan, path: string): string[] {
  const prefix = path === "/" ? "" : path;
  const at = regexLiteral(prefix);
  const { runner, phpRoot } = site;
  if (site.platform === "python")
    return [`WSGIScriptAlias ${apacheString(path)} "@ROOT@/conf/wsgi.py" process-group=${wsgiGroup} application-group=%{GLOBAL}`];
  const files = phpRoot === undefined ? [] : mountFiles(phpRoot, at);
  // Not only to the end of the line: a path may hold an escaped one.
  if (runner !== undefined)
    return [...files, `RewriteRule "(?s)^${at}(/.*)?$" "${appPath(runner)}" ${run(`${prefix}/${posix.basename(runner)}`, "$1")}`];
  return [
    ...files,
    ...(phpRoot === undefined ? [] : mountScripts(phpRoot, prefix)),
    // Of an app it is the app that decides what its location is without a slash.
    ...(prefix === "" ? [] : [`RewriteRule "^${at}$" "${prefix}/" [R=302,L]`]),
    `RewriteRule "^${at}(/|$)" - [R=404,L]`,
  ];
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

import type { Route, SitePlan } from "../plan/plan.ts";
import { capacity } from "../plan/capacity.ts";
import { siteUnit } from "../plan/site-name.ts";
import { fastCgi, mountPhp } from "./apache-php.ts";
import { followLinks, staticFiles } from "./apache-static.ts";
import { apacheString, regexLiteral } from "./quote.ts";
import { answerSeconds, queueSeconds, shutdownSeconds } from "./request-time.ts";

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
    `ErrorLog "|/usr/bin/systemd-cat -t ${siteUnit(site.name, "web")}"`,
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
    followLinks,
    "  Require all granted",
    ...staticFiles(site),
    "</Directory>",
    '<Directory "@ROOT@/conf">',
    "  Require all granted",
    "</Directory>",
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

const wsgiGroup = "app";
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
  if (site.platform === "python")
    return [`WSGIScriptAlias ${apacheString(path)} "@ROOT@/conf/wsgi.py" process-group=${wsgiGroup} application-group=%{GLOBAL}`];
  const prefix = path === "/" ? "" : path;
  const php = site.platform === "php" ? mountPhp(site, prefix) : [];
  // A runner answers all that is left.
  if (site.runner !== undefined) return php;
  const at = regexLiteral(prefix);
  return [
    ...php,
    // Of an app it is the app that decides what its location is without a slash.
    ...(prefix === "" ? [] : [`RewriteRule "^${at}$" "${prefix}/" [R=302,L]`]),
    `RewriteRule "^${at}(/|$)" - [R=404,L]`,
  ];
}

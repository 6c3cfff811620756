import type { Route, SitePlan } from "../plan/plan.ts";
import { followLinks, prefixOf, staticFiles } from "../platforms/apache.ts";
import { capacity } from "../platforms/capacity.ts";
import { platforms } from "../platforms/registry.ts";
import { siteUnit } from "../plan/site-name.ts";
import { apacheString, regexLiteral } from "../text/literals.ts";

/** A host name only for the prober: no site's location can match it, and its answer doesn't involve the app. */
export const aliveHost = "alive.silver";

const modules = ["mpm_event", "authz_core", "alias", "dir", "mime", "headers", "rewrite", "remoteip", "reqtimeout"] as const;

/** The whole configuration of a release's Apache, which reads nothing from /etc/apache2. */
export function renderApacheConfig(site: SitePlan): string {
  const own = platforms[site.platform].apache.server(site);
  const parts = [server(site), workers(site), limits(), logging(site), files(site), own, hosts(site)];
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join("\n")}\n`)
    .join("\n");
}

function server(site: SitePlan): string[] {
  return [
    `# Apache of one release of the site ${site.name}: started and ended by its unit, never reloaded.`,
    'ServerRoot "@ROOT@"',
    "ServerName localhost",
    "Listen @ADDRESS@:@PORT@",
    'DefaultRuntimeDir "/run/silver/@VCL@"',
    'PidFile "/run/silver/@VCL@/apache.pid"',
    ...[...modules, ...platforms[site.platform].apache.modules].map(
      (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
    ),
    "ServerTokens Prod",
    "ServerSignature Off",
    "TraceEnable Off",
    "UseCanonicalName Off",
    "Protocols http/1.1",
  ];
}

function workers(site: SitePlan): string[] {
  const { children, workers, threadsPerChild } = capacity(site.processes);
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
  return [
    `ErrorLog "|/usr/bin/systemd-cat -t ${siteUnit(site.name, "web")}"`,
    `LogLevel ${platforms[site.platform].apache.logLevels}`,
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

/**
 * A virtual host for each of the site's hosts, since each may mount the site at other paths. The first one answers
 * for all other hosts.
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

/** Nothing outside the routes; below each route first the files of static/, then the app. */
function mounts(site: SitePlan, routes: Route[]): string[] {
  const paths = routes.map(({ path }) => path);
  const elsewhere = paths
    .filter((path) => path !== "/")
    .map((path) => `RewriteCond "%{REQUEST_URI}" "!^${regexLiteral(path)}(/|$)"`);
  return [
    ...platforms[site.platform].apache.host(site),
    "RewriteEngine On",
    ...(paths.includes("/") ? [] : [...elsewhere, "RewriteRule ^ - [R=404,L]"]),
    ...paths.flatMap((path) => mount(site, path)),
  ];
}

/** As in Silver Lining: a file, then a directory's index.html, then the app, with its mount point passed along. */
function mount(site: SitePlan, path: string): string[] {
  const prefix = prefixOf(path);
  const at = regexLiteral(prefix);
  return [
    'RewriteCond "@ROOT@/app/static/$1" -f',
    `RewriteRule "^${at}/(.+)$" "@ROOT@/app/static/$1" [L]`,
    'RewriteCond "@ROOT@/app/static/$1/index.html" -f',
    `RewriteRule "^${at}/(.*[^/])$" "${prefix}/$1/" [R=302,L]`,
    'RewriteCond "@ROOT@/app/static/$1index.html" -f',
    `RewriteRule "^${at}/(|.*/)$" "@ROOT@/app/static/$1index.html" [L]`,
    ...platforms[site.platform].apache.mount(site, path),
  ];
}

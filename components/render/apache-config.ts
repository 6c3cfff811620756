import type { Route, SitePlan } from "../plan/plan.ts";
import {
  apacheDirectory,
  asFile,
  compressedTexts,
  fileVariable,
  followLinks,
  prefixOf,
  schemeVariable,
  staticFiles,
  toDirectory,
} from "../platforms/apache.ts";
import { capacity } from "../platforms/capacity.ts";
import { platforms } from "../platforms/registry.ts";
import { errorPage } from "./page.ts";
import { writableFiles, writableRules } from "./writable-root.ts";
import { apacheString, regexLiteral } from "../text/literals.ts";

/** A host name only for the prober: no site's location can match it, and its answer doesn't involve the app. */
export const aliveHost = "alive.silver";

const modules = [
  "mpm_event",
  "authz_core",
  "alias",
  "dir",
  "mime",
  "headers",
  "rewrite",
  "remoteip",
  "reqtimeout",
  "setenvif",
] as const;

/** The whole configuration of a release's Apache, which reads nothing from /etc/apache2. */
export function renderApacheConfig(site: SitePlan): string {
  const own = platforms[site.platform].apache.server(site);
  const parts = [server(site), workers(site), limits(), logging(site), pages(), files(site), own, hosts(site)];
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
    `DefaultRuntimeDir "${apacheDirectory}"`,
    `PidFile "${apacheDirectory}/apache.pid"`,
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
  const { workers } = capacity(site.processes);
  return [
    "# One child with all workers from the start, more than Varnish may use at once: a child whose workers are all busy",
    "# closes connections that Varnish keeps, also while Varnish sends the next request over them.",
    "StartServers 1",
    "ServerLimit 1",
    `ThreadLimit ${workers}`,
    `ThreadsPerChild ${workers}`,
    `MaxRequestWorkers ${workers}`,
    "MinSpareThreads 1",
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
    "# A path of 32 kB, as Varnish may have to write it, and a query. As many headers as Varnish takes.",
    "LimitRequestLine 65536",
    "LimitRequestFields 256",
    "# Varnish is the only one to ask, and tells who asked it, and how.",
    "RemoteIPHeader X-Silver-Client",
    "RemoteIPInternalProxy 127.0.0.0/8",
    `SetEnvIf Request_Protocol ^ ${schemeVariable}=http`,
    `SetEnvIf X-Forwarded-Proto ^https$ ${schemeVariable}=https HTTPS=on`,
  ];
}

function logging(site: SitePlan): string[] {
  return [
    "# To the unit's own output, which is the journal: Apache can't open a socket as a file.",
    'ErrorLog "|/usr/bin/cat"',
    "# Not AH01630: below a mount, Apache looks for each path in its DocumentRoot as well, and tells that it may not.",
    `LogLevel ${platforms[site.platform].apache.logLevels} authz_core:crit`,
    'ErrorLogFormat "[%-m:%l] [pid %P] %M"',
  ];
}

/** What Apache says by itself looks like the other pages. Varnish has its own for what begins with 5. */
function pages(): string[] {
  const texts: [number[], string, string][] = [
    [[302], "Over there", "This page has another address."],
    [[403], "Not allowed", "This page may not be shown."],
    [[404], "Nothing here", "There is no page at this address."],
    [[405, 501], "Not possible", "This page does not take such a request."],
    [[413], "Too large", "What was sent is larger than this site takes."],
    [[414], "Too long", "This address is longer than this site takes."],
    [[400, 408, 411, 412, 416, 417, 431], "Not understood", "The request could not be read."],
  ];
  return texts.flatMap(([statuses, title, text]) =>
    statuses.map((status) => `ErrorDocument ${status} ${apacheString(errorPage(title, text).trim().replace(/\n */g, " "))}`),
  );
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
    ...writableFiles(site),
    ...compressedTexts(),
    "# A file that a rule of a mount names: not by its rewritten path, in which a question mark would begin a query.",
    '<Location "/">',
    `  Alias "%{reqenv:${fileVariable}}"`,
    "</Location>",
  ];
}

/**
 * A virtual host for each of the site's hosts, since each may mount the site at other paths. The first one answers
 * for all other hosts. A location of several hosts is also one of each of them.
 */
function hosts(site: SitePlan): string[] {
  const own = [...new Set(site.routes.map(({ host }) => host))].filter((host) => host !== "*");
  const everywhere = site.routes.filter(({ host }) => host === "*");
  return [
    ...virtualHost(["ServerName others.silver", ...mounts(site, everywhere)]),
    ...virtualHost([`ServerName ${aliveHost}`, "RewriteEngine On", "RewriteRule ^ - [R=204,L]"]),
    ...own.flatMap((host) => {
      const bare = host.replace(/^\./, "");
      const alias = host.startsWith(".") ? [`ServerAlias ${apacheString(`*.${bare}`)}`] : [];
      const routes = site.routes.filter((route) => isWithin(host, route.host));
      return virtualHost([`ServerName ${apacheString(bare)}`, ...alias, ...mounts(site, routes)]);
    }),
  ];
}

/** Whether every host that `host` stands for is also one of `other`. */
function isWithin(host: string, other: string): boolean {
  return other === "*" || host === other || (other.startsWith(".") && `.${host.replace(/^\./, "")}`.endsWith(other));
}

function virtualHost(lines: string[]): string[] {
  return ["<VirtualHost *:*>", ...lines.map((line) => `  ${line}`), "</VirtualHost>"];
}

/** Nothing outside the routes; below each route first the files of static/, then those that the app has written, then the app. */
function mounts(site: SitePlan, routes: Route[]): string[] {
  const paths = [...new Set(routes.map(({ path }) => path))];
  const elsewhere = paths
    .filter((path) => path !== "/")
    .map((path) => `RewriteCond "%{REQUEST_URI}" "!^${regexLiteral(path)}(/|$)"`);
  return [
    ...platforms[site.platform].apache.host(site),
    "# An encoded slash stays part of a name: decoded, it would make dots and mounts of what Varnish has not seen as such.",
    "AllowEncodedSlashes NoDecode",
    "RewriteEngine On",
    ...(paths.includes("/") ? [] : [...elsewhere, "RewriteRule ^ - [R=404,L]"]),
    ...paths.flatMap((path) => mount(site, path)),
  ];
}

/** As in Silver Lining: a file, then a directory's index.html, then the app, with its mount point passed along. */
function mount(site: SitePlan, path: string): string[] {
  const prefix = prefixOf(path);
  const at = regexLiteral(prefix);
  const root = "@ROOT@/app/static/$1";
  return [
    `RewriteCond "${root}" -f`,
    `RewriteRule "^${at}/(.+)$" - "[L,${asFile(root)}]"`,
    `RewriteCond "${root}/index.html" -f`,
    ...toDirectory(`^${at}/(.*[^/])$`),
    `RewriteCond "${root}index.html" -f`,
    `RewriteRule "^${at}/(|.*/)$" - "[L,${asFile(`${root}index.html`)}]"`,
    ...writableRules(site, at),
    ...platforms[site.platform].apache.mount(site, path),
  ];
}

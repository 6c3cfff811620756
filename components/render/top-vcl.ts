import type { NodePlan, Route } from "../plan/plan.ts";
import { siteLabel } from "../plan/site-name.ts";
import { errorPage, indent, pageLines } from "./page.ts";
import { normalPathLines } from "./request-path.ts";
import { proxyLines, tlsSocketName, trustedProxies } from "./trusted-proxies.ts";
import { regexLiteral, vclString } from "../text/literals.ts";

/**
 * The node's active VCL: finds the site by host and path, and hands the request over to the site's label, with word of whether a
 * trusted proxy asks. Where the node speaks https, it sends visitors there.
 */
export function renderTopVcl({ routes, trustProxies = [], https }: Pick<NodePlan, "routes" | "trustProxies" | "https">): string {
  const redirects = https?.redirect === true;
  const page = errorPage("Nothing here", "No site answers at this address.");
  const acls = [trustedProxies(trustProxies), ...(redirects ? [nodeItself] : [])];
  const received = [
    indent(proxyLines(trustProxies)),
    "  # For the lines below only: a change of the request is undone when it is handed over.",
    indent(normalPathLines()),
    '  set req.http.X-Silver-Host = regsub(std.tolower(req.http.Host), "[.]?(?::[0-9]*)?$", "");',
    ...(https === undefined ? [] : [indent(noUpgradeLines)]),
    ...(redirects ? [indent(redirectLines(trustProxies))] : []),
    ...routes.map((route) => `  ${renderRoute(route)}`),
    "  return (synth(404));",
  ];
  const pages = [
    synthPage(400, unclear),
    ...(https === undefined ? [] : [synthPage(501, noUpgrade)]),
    ...(redirects ? [synthPage(308, moved, [location])] : []),
    indent(pageLines("resp", page)),
  ];
  return `vcl 4.1;
# Which site answers: exact hosts first, then suffixes, then every host; longer paths first. One line a location.

import blob;
import std;

backend default none;
${acls.join("")}
sub vcl_recv {
${received.join("\n")}
}

sub vcl_synth {
${pages.join("\n")}
}
`;
}

const unclear = errorPage("Not understood", "This address can't be read.");
const noUpgrade = errorPage("Not possible", "No site here can answer over a WebSocket.");
const moved = errorPage("Over there", "This site answers over https.");
const location = 'set resp.http.Location = "https://" + req.http.X-Silver-Host + req.url;';

/** Its own requests stay as they are: the check of a release, and what a site asks of another. */
const nodeItself = `
acl node_itself {
  "127.0.0.0"/8;
  "::1";
}
`;

/** An app that is asked by WSGI or FastCGI can't take a connection over. Said at once, instead of what an app makes of a plain GET. */
const noUpgradeLines = ['if (req.http.Upgrade ~ "(?i)(?:^|[ ,])websocket(?:$|[ ,])") {', "  return (synth(501));", "}"];

/** For a host that can stand in an address. */
function redirectLines(trustProxies: readonly string[]): string[] {
  const byProxy = '(client.ip ~ trusted_proxies && req.http.X-Forwarded-Proto ~ "(?i)^ *https *$")';
  return [
    `if (local.socket != "${tlsSocketName}" && client.ip !~ node_itself${trustProxies.length === 0 ? "" : ` && !${byProxy}`}`,
    '  && req.url ~ "^/" && req.http.X-Silver-Host ~ "^(?:[a-z0-9._-]+|\\[[0-9a-f:.]+\\])$") {',
    "  return (synth(308));",
    "}",
  ];
}

function synthPage(status: number, page: string, extra: string[] = []): string {
  return `  if (resp.status == ${status}) {\n${indent(pageLines("resp", page, extra), "    ")}\n  }`;
}

function renderRoute({ host, path, site }: Route): string {
  const conditions = [hostCondition(host), pathCondition(path)].filter((condition) => condition !== undefined);
  const handOver = `return (vcl(${siteLabel(site)}));`;
  return conditions.length === 0 ? handOver : `if (${conditions.join(" && ")}) { ${handOver} }`;
}

function hostCondition(host: string): string | undefined {
  if (host === "*") return undefined;
  if (!host.startsWith(".")) return `req.http.X-Silver-Host == ${vclString(host)}`;
  return `req.http.X-Silver-Host ~ ${vclString(`(^|[.])${regexLiteral(host.slice(1))}$`)}`;
}

/** `/blog` matches /blog and everything below it, never /blogger or /blog%2Fx. */
function pathCondition(path: string): string | undefined {
  return path === "/" ? undefined : `req.url ~ ${vclString(`^${regexLiteral(path)}(?:[/?#]|$)`)}`;
}

/** Where a label points before its site's first release, and when a release's VCL can't be loaded. */
export function renderUnavailableVcl(): string {
  const page = errorPage("Back in a moment", "This site has nothing to show yet. Please try again shortly.");
  return `vcl 4.1;
# Says 503 for a site that has no release to answer.

backend default none;

sub vcl_recv {
  return (synth(503));
}

sub vcl_synth {
${indent(pageLines("resp", page, ['set resp.http.Retry-After = "5";']))}
}
`;
}

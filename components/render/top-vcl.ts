import type { Route } from "../plan/plan.ts";
import { siteLabel } from "../plan/site-name.ts";
import { errorPage, pageLines } from "./page.ts";
import { regexLiteral, vclString } from "../text/literals.ts";

/** The node's active VCL: finds the site by host and path, and hands the request over to the site's label. */
export function renderTopVcl(routes: Route[]): string {
  const page = errorPage("Nothing here", "No site answers at this address.");
  return `vcl 4.1;
# Which site answers: exact hosts first, then suffixes, then every host; longer paths first. One line a location.

import std;

backend default none;

sub vcl_recv {
  # For the lines below only: a change of the request is undone when it is handed over.
  set req.http.X-Silver-Host = regsub(regsub(std.tolower(req.http.Host), ":[0-9]*$", ""), "[.]$", "");
  set req.http.X-Silver-Path = regsub(req.url, "[?#].*$", "");
${routes.map((route) => `  ${renderRoute(route)}\n`).join("")}  return (synth(404));
}

sub vcl_synth {
${pageLines("resp", page)
  .map((line) => `  ${line}`)
  .join("\n")}
}
`;
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

/** `/blog` matches /blog and everything below it, never /blogger. */
function pathCondition(path: string): string | undefined {
  return path === "/" ? undefined : `req.http.X-Silver-Path ~ ${vclString(`^${regexLiteral(path)}(/|$)`)}`;
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
${pageLines("resp", page, ['set resp.http.Retry-After = "5";'])
  .map((line) => `  ${line}`)
  .join("\n")}
}
`;
}

import type { SitePlan } from "../plan/plan.ts";
import { aliveHost } from "./apache-config.ts";
import { answerSeconds, bodyMegabytes, queueSeconds, shutdownSeconds } from "../platforms/request-limits.ts";
import { capacity } from "../platforms/capacity.ts";
import { errorPage, pageLines } from "./page.ts";
import { vclString } from "../text/literals.ts";

/** The VCL of one release. The site's label points to it; the top VCL hands requests over to the label. */
export function renderSiteVcl(site: SitePlan): string {
  const unavailable = errorPage("Back in a moment", "This site can't answer right now. Please try again shortly.");
  const tooLarge = errorPage("Too large", `What was sent is larger than the ${bodyMegabytes} MB this site takes.`);
  const failed = errorPage("That did not work", "The request could not be answered.");
  return `vcl 4.1;
# One release of the site ${site.name}. The built-in rules stand behind each of these: nothing returns early but the pages.

import std;

# Asks Apache alone, never the app. Good from the start: the agent has asked the release before any label points here.
probe alive {
  .request =
    "GET / HTTP/1.1"
    ${vclString(`Host: ${aliveHost}`)}
    "Connection: close";
  .expected_response = 204;
  .interval = 5s;
  .timeout = 3s;
  .window = 3;
  .threshold = 2;
  .initial = 2;
}

backend release {
  .host = "@ADDRESS@";
  .port = "@PORT@";
  .probe = alive;
  .max_connections = ${capacity(site.processes).connections};
  .connect_timeout = 2s;
  # Longer than the release itself gives a request: ${queueSeconds} s in the queue, ${site.timeouts.requestSeconds} s of running, ${shutdownSeconds} s to end.
  .first_byte_timeout = ${answerSeconds(site) + 5}s;
  .between_bytes_timeout = 60s;
}

sub vcl_recv {
  # What the top VCL changed is undone when it hands over, so that this is said here.
  set req.http.Host = std.tolower(req.http.Host);
  set req.http.X-Forwarded-For = client.ip;
  set req.http.X-Forwarded-Proto = "http";
  unset req.http.X-Forwarded-Host;
  unset req.http.Forwarded;
  unset req.http.Proxy;
  # An old page for a short while when the release is well, for long when it is not.
  if (std.healthy(req.backend_hint)) {
    set req.grace = 10s;
  }
  # The length first, so that a client that asked whether to send a large body is told before it does.
  if (std.integer(req.http.Content-Length, 0) > ${bodyMegabytes * 1024 ** 2}) {
    return (synth(413));
  }
  if (!std.cache_req_body(${bodyMegabytes}MB)) {
    return (synth(413));
  }
  # The built-in rule for methods it does not know is a pipe, past all of this.
  if (req.method !~ "^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$") {
    return (pass);
  }
}

sub vcl_hash {
  # Pages of one release are never shown by another.
  hash_data("@RELEASE@");
}

sub vcl_backend_response {
  if (bereq.is_bgfetch && beresp.status >= 500) {
    return (abandon);
  }
  if (beresp.status >= 500 && !beresp.http.X-Silver-Release) {
    # Not the app's answer but Apache's, for a process that died or did not come: said with our page.
    return (error(beresp.status, beresp.reason));
  }
  if (beresp.http.X-Silver-Static) {
    # A release's files never change, and its id is part of the key. Browsers ask again, by ETag.
    unset beresp.http.X-Silver-Static;
    if (beresp.status == 200 && std.integer(beresp.http.Content-Length, 0) < 1048576) {
      set beresp.ttl = 1h;
    }
  } else if (!beresp.http.Cache-Control && !beresp.http.Expires) {
    # An app that says nothing about caching wants none.
    set beresp.ttl = 0s;
  }
  if (beresp.ttl > 0s) {
    set beresp.grace = 24h;
  }
}

sub vcl_deliver {
  unset resp.http.Via;
  unset resp.http.X-Varnish;
}

sub vcl_backend_error {
  if (bereq.is_bgfetch) {
    return (abandon);
  }
${indent(pageLines("beresp", unavailable, ['set beresp.http.Retry-After = "5";']))}
}

sub vcl_synth {
  if (resp.status == 413) {
${indent(pageLines("resp", tooLarge), "    ")}
  }
${indent(pageLines("resp", failed))}
}
`;
}

function indent(lines: string[], by = "  "): string {
  return lines.map((line) => by + line).join("\n");
}

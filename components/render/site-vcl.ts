import type { SitePlan } from "../plan/plan.ts";
import { aliveHost } from "./apache-config.ts";
import { answerSeconds, queueSeconds, readBytes, shutdownSeconds } from "../platforms/request-limits.ts";
import { capacity } from "../platforms/capacity.ts";
import { smallBody } from "./node-units.ts";
import { sizeText } from "../text/size-text.ts";
import { errorPage, indent, pageLines } from "./page.ts";
import { normalPathLines } from "./request-path.ts";
import { clientLines } from "./trusted-proxies.ts";
import { vclString } from "../text/literals.ts";

/** Answers of a known length below this are fetched whole before they are sent. In bytes; larger ones stream. */
const wholeBytes = 65536;
/** Bytes below which an answer is cached in memory. */
const smallAnswer = 1024 ** 2;
/** Bytes from which a file of a site is sent by its Apache at the client's pace, without a copy in Varnish. */
const largeFile = 16 * 1024 ** 2;

/** The VCL of one release. The site's label points to it; the top VCL hands requests over to the label. */
export function renderSiteVcl(site: SitePlan): string {
  const { connections, largeFiles } = capacity(site.processes);
  const unavailable = errorPage("Back in a moment", "This site can't answer right now. Please try again shortly.");
  const tooLarge = errorPage(
    "Too large",
    `What was sent is larger than the ${sizeText(site.limits.bodyBytes).replace(/[KMG]$/, " $&B")} this site takes.`,
  );
  const tooSlow = errorPage("Too slow", "This site did not answer in time. Please try again shortly.");
  const failed = errorPage("That did not work", "The request could not be answered.");
  return `vcl 4.1;
# One release of the site ${site.name}. The built-in rules stand behind each of these, except for the pages and for answers that are not cached.

import blob;
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
  .max_connections = ${connections};
  .connect_timeout = 2s;
  # Longer than the release itself gives a request: ${queueSeconds} s in the queue, ${site.timeouts.requestSeconds} s of running, ${shutdownSeconds} s to end.
  .first_byte_timeout = ${answerSeconds(site) + 5}s;
  .between_bytes_timeout = ${answerSeconds(site) + 5}s;
}

# The same Apache for large files alone: a pipe lasts as long as its reader likes, and keeps nobody else out.
backend large {
  .host = "@ADDRESS@";
  .port = "@PORT@";
  .max_connections = ${largeFiles};
  .connect_timeout = 2s;
}

# From here and from a port that only root may use: the check of a release, which says what it asks as.
acl node {
  "127.0.0.0"/8;
}

sub vcl_recv {
  # What the top VCL changed is undone when it hands over, so that this is said here.
${indent(normalPathLines())}
  if (req.http.Host) {
    set req.http.Host = std.tolower(req.http.Host);
  } elseif (req.proto != "HTTP/1.1") {
    # HTTP/1.0 needs none; Apache is asked in HTTP/1.1, which does.
    set req.http.Host = regsub(server.ip, "^(.*:.*)$", "[\\1]");
  }
${indent(clientLines(site.isHttps === true))}
  unset req.http.X-Forwarded-Host;
  unset req.http.Forwarded;
  unset req.http.Proxy;
  # An old page for a short while when the release is well, for long when it is not.
  if (std.healthy(req.backend_hint)) {
    set req.grace = 10s;
  }
  # A large file was found: the request goes to Apache once more, which sends it at the client's pace.
  if (req.restarts == 0) {
    unset req.http.X-Silver-Large;
    unset req.http.X-Silver-Pipe;
  } else if (req.http.X-Silver-Large) {
    return (pipe);
  }
  # HTTP/1.0 knows no chunks: an answer without a length ends with its connection, and one that was cut does, too.
  unset req.http.X-Silver-Whole;
  if (req.proto == "HTTP/1.0") {
    set req.http.X-Silver-Whole = "yes";
  }
  if (req.http.Content-Length || req.http.Transfer-Encoding) {
    # The length first, so that a client that asked whether to send a large body is told before it does.
    if (std.integer(req.http.Content-Length, 0) > ${site.limits.bodyBytes}) {
      return (synth(413));
    }
    # Read in full before the app is asked, into a file on the node's disk: a slow upload holds no process and no memory. Small ones
    # have a file of their own, with room for one of each thread of Varnish, so that no upload keeps a form out.
    set req.storage = storage.spool;
    if (!req.http.Transfer-Encoding && std.integer(req.http.Content-Length, ${smallBody + 1}) <= ${smallBody}) {
      set req.storage = storage.forms;
    }
    # Where it fails, the client is gone or sent far too much, and Varnish hangs up. A body without a length has one now.
    if (!std.cache_req_body(${readBytes(site.limits)}B) || std.integer(req.http.Content-Length, 0) > ${site.limits.bodyBytes}) {
      return (synth(413));
    }
    # What is answered to a body, to that of a GET as well, is for whoever sent it.
    if (req.http.Content-Length != "0") {
      return (pass);
    }
  }
  # The built-in rule for methods it does not know is a pipe, past all of this.
  if (req.method !~ "^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)$") {
    return (pass);
  }
}

sub vcl_hash {
  # Pages of one release are never shown by another.
  hash_data("@RELEASE@");
  # The redirect to https is for those who came by http alone.
  hash_data(req.http.X-Forwarded-Proto);
}

sub vcl_pipe {
  set bereq.backend = large;
  # Nothing is done to the answer on its way: Apache leaves out what Varnish would.
  set bereq.http.X-Silver-Pipe = "yes";
}

sub vcl_backend_fetch {
  # The built-in rule takes a GET's body away, though it was passed so that the app gets it.
  return (fetch);
}

sub vcl_backend_response {
  if (bereq.is_bgfetch && beresp.status >= 500) {
    return (abandon);
  }
  if (bereq.is_bgfetch || bereq.http.X-Silver-Whole) {
    # Goes on when all of it is here. In the background nobody waits for it.
    set beresp.do_stream = false;
  }
  if (beresp.status >= 500 && !beresp.http.X-Silver-Release) {
    # Not the app's answer but Apache's, for a process that died or did not come: said with our page.
    return (error(beresp.status));
  }
  if (beresp.http.X-Silver-Static) {
    # A release's files never change, and its id is part of the key. Browsers ask again, by ETag.
    unset beresp.http.X-Silver-Static;
    if (std.integer(beresp.http.Content-Length, 0) >= ${largeFile}) {
      return (error(200, "Large"));
    }
    if (beresp.status == 200 && std.integer(beresp.http.Content-Length, 0) < ${smallAnswer}) {
      set beresp.ttl = 1h;
    }
  }
  if (std.integer(beresp.http.Content-Length, ${wholeBytes}) < ${wholeBytes}) {
    # Fetched before the first byte is sent: the sending thread wakes once, not for each part that comes.
    set beresp.do_stream = false;
  }
  if (beresp.status < 500 && !beresp.http.Set-Cookie
    && (beresp.ttl <= 0s || beresp.http.Cache-Control ~ "(?i:no-cache|no-store|private)")) {
    # For two minutes no request for it looks for a copy. The built-in rule would keep what is left of each answer that long.
    return (pass(120s));
  }
  if (beresp.ttl > 0s) {
    set beresp.grace = 24h;
  }
  # Memory is for what is known to be small.
  if (std.integer(beresp.http.Content-Length, ${smallAnswer}) < ${smallAnswer}) {
    set beresp.storage = storage.cache;
  } else {
    set beresp.storage = storage.spool;
  }
}

sub vcl_deliver {
  if (resp.http.X-Silver-Large) {
    set req.http.X-Silver-Large = "yes";
    return (restart);
  }
  unset resp.http.Via;
  unset resp.http.X-Varnish;
}

sub vcl_backend_error {
  if (bereq.is_bgfetch) {
    return (abandon);
  }
  if (beresp.status == 200) {
    # What is kept of a large file: that it is one.
    set beresp.http.X-Silver-Large = "yes";
    set beresp.storage = storage.cache;
    set beresp.ttl = 1h;
    return (deliver);
  }
  if (beresp.status == 504 || now - bereq.time > ${site.timeouts.requestSeconds}s) {
    # A process that was killed for its time also gets a 500 from Apache.
    set beresp.status = 504;
${indent(pageLines("beresp", tooSlow, ['set beresp.http.Retry-After = "5";']), "    ")}
  }
  set beresp.status = 503;
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

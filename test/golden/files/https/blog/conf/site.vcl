vcl 4.1;
# One release of the site blog. The built-in rules stand behind each of these, except for the pages and for answers that are not cached.

import blob;
import std;

# Asks Apache alone, never the app. Good from the start: the agent has asked the release before any label points here.
probe alive {
  .request =
    "GET / HTTP/1.1"
    "Host: alive.silver"
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
  .max_connections = 128;
  .connect_timeout = 2s;
  # Longer than the release itself gives a request: 15 s in the queue, 10 s of running, 2 s to end.
  .first_byte_timeout = 32s;
  .between_bytes_timeout = 32s;
}

# The same Apache for large files alone: a pipe lasts as long as its reader likes, and keeps nobody else out.
backend large {
  .host = "@ADDRESS@";
  .port = "@PORT@";
  .max_connections = 64;
  .connect_timeout = 2s;
}

# From here and from a port that only root may use: the check of a release, which says what it asks as.
acl node {
  "127.0.0.0"/8;
}

sub vcl_recv {
  # What the top VCL changed is undone when it hands over, so that this is said here.
  if (req.url ~ "//|/\.|%(?:2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])") {
    set req.http.X-Silver-Query = regsub(req.url, "^[^?#]*+", "");
    set req.url = regsub(req.url, "[?#].*", "");
    # Apache answers neither of the two. Encoded slashes take the place of the first for a moment.
    if (req.url ~ "%(?:00|(?![0-9A-Fa-f]{2}))") {
      return (synth(400));
    }
    if (req.url ~ "%(?:2[DEde]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])") {
      set req.url = regsuball(req.url, "%2[Ff]", "%00");
      set req.url = blob.transcode(decoding=URL, encoding=URL, case=UPPER, encoded=req.url);
      set req.url = regsuball(regsuball(req.url, "%2F", "/"), "%00", "%2F");
    }
    set req.url = regsub(req.url, "(/\.\.?)$", "\1/");
    set req.url = regsuball(regsuball(req.url, "/\.(?=/)", ""), "//++", "/");
    if (req.url ~ "/\.\./") {
      if (req.url ~ "^(?:/[^/]*+){256}") {
        return (synth(400));
      }
      # A name, pairs of a name and its dots, and the dots that take the name back.
      set req.url = regsuball(req.url, "(/(?!\.\./)[^/]++(?1)*+/\.\.(?=/))", "");
      set req.url = regsub(req.url, "^(?:/\.\.(?=/))++", "");
    }
    set req.url = req.url + req.http.X-Silver-Query;
    unset req.http.X-Silver-Query;
  }
  if (req.http.Host) {
    set req.http.Host = std.tolower(req.http.Host);
  } elseif (req.proto != "HTTP/1.1") {
    # HTTP/1.0 needs none; Apache is asked in HTTP/1.1, which does.
    set req.http.Host = regsub(server.ip, "^(.*:.*)$", "[\1]");
  }
  if (sess.timeout_idle > 600s) {
    # From a trusted proxy, one of so many: the top VCL says so.
    set req.http.X-Silver-Client = req.http.X-Forwarded-For;
    set req.http.X-Silver-Client = regsub(req.http.X-Silver-Client, "^(.*),[^,]*$", "\1");
    if (sess.timeout_idle > 601.5s) {
      set req.http.X-Silver-Client = regsub(req.http.X-Silver-Client, "^(.*),[^,]*$", "\1");
    }
    if (sess.timeout_idle > 602.5s) {
      set req.http.X-Silver-Client = regsub(req.http.X-Silver-Client, "^(.*),[^,]*$", "\1");
    }
    if (sess.timeout_idle > 603.5s) {
      set req.http.X-Silver-Client = regsub(req.http.X-Silver-Client, "^(.*),[^,]*$", "\1");
    }
    set req.http.X-Silver-Client = std.ip(regsub(regsub(req.http.X-Silver-Client, "^.*,", ""), "^ *(?:\[([^]]*)\].*|([0-9.]+):[0-9]+|([^ ]*)) *$", "\1\2\3"), client.ip, resolve=false);
    set req.http.X-Forwarded-Proto = regsub(req.http.X-Forwarded-Proto, "(?i)^ *https *$", "https");
    if (req.http.X-Forwarded-Proto != "https") {
      set req.http.X-Forwarded-Proto = "http";
    }
  } else {
    set req.http.X-Silver-Client = client.ip;
    set req.http.X-Forwarded-For = client.ip;
    if (local.socket == "tls") {
      set req.http.X-Forwarded-Proto = "https";
    } else if (!req.http.X-Forwarded-Proto || client.ip !~ node || std.port(client.ip) >= 1024) {
      set req.http.X-Forwarded-Proto = "http";
    }
  }
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
    if (std.integer(req.http.Content-Length, 0) > 67108864) {
      return (synth(413));
    }
    # Read in full before the app is asked, into a file on the node's disk: a slow upload holds no process and no memory. Small ones
    # have a file of their own, with room for one of each thread of Varnish, so that no upload keeps a form out.
    set req.storage = storage.spool;
    if (!req.http.Transfer-Encoding && std.integer(req.http.Content-Length, 32769) <= 32768) {
      set req.storage = storage.forms;
    }
    # Where it fails, the client is gone or sent far too much, and Varnish hangs up. A body without a length has one now.
    if (!std.cache_req_body(268435456B) || std.integer(req.http.Content-Length, 0) > 67108864) {
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
    if (std.integer(beresp.http.Content-Length, 0) >= 16777216) {
      return (error(200, "Large"));
    }
    if (beresp.status == 200 && std.integer(beresp.http.Content-Length, 0) < 1048576) {
      set beresp.ttl = 1h;
    }
  }
  if (std.integer(beresp.http.Content-Length, 65536) < 65536) {
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
  if (std.integer(beresp.http.Content-Length, 1048576) < 1048576) {
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
  if (beresp.status == 504 || now - bereq.time > 10s) {
    # A process that was killed for its time also gets a 500 from Apache.
    set beresp.status = 504;
    set beresp.http.Content-Type = "text/html; charset=utf-8";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "5";
    synthetic({"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Too slow</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 18vh auto 0; max-width: 32rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
  p { margin: 0; opacity: .75; }
</style>
<h1>Too slow</h1>
<p>This site did not answer in time. Please try again shortly.</p>
</html>
"});
    return (deliver);
  }
  set beresp.status = 503;
  set beresp.http.Content-Type = "text/html; charset=utf-8";
  set beresp.http.Cache-Control = "no-store";
  set beresp.http.Retry-After = "5";
  synthetic({"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Back in a moment</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 18vh auto 0; max-width: 32rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
  p { margin: 0; opacity: .75; }
</style>
<h1>Back in a moment</h1>
<p>This site can't answer right now. Please try again shortly.</p>
</html>
"});
  return (deliver);
}

sub vcl_synth {
  if (resp.status == 413) {
    set resp.http.Content-Type = "text/html; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    synthetic({"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Too large</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 18vh auto 0; max-width: 32rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
  p { margin: 0; opacity: .75; }
</style>
<h1>Too large</h1>
<p>What was sent is larger than the 64 MB this site takes.</p>
</html>
"});
    return (deliver);
  }
  set resp.http.Content-Type = "text/html; charset=utf-8";
  set resp.http.Cache-Control = "no-store";
  synthetic({"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>That did not work</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 18vh auto 0; max-width: 32rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
  p { margin: 0; opacity: .75; }
</style>
<h1>That did not work</h1>
<p>The request could not be answered.</p>
</html>
"});
  return (deliver);
}

vcl 4.1;
# One release of the site old. The built-in rules stand behind each of these: nothing returns early but the pages.

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
  if (std.integer(req.http.Content-Length, 0) > 10485760) {
    return (synth(413));
  }
  if (!std.cache_req_body(10MB)) {
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
<p>What was sent is larger than the 10 MB this site takes.</p>
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

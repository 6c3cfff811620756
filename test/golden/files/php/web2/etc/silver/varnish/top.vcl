vcl 4.1;
# Which site answers: exact hosts first, then suffixes, then every host; longer paths first. One line a location.

import std;

backend default none;

sub vcl_recv {
  # For the lines below only: a change of the request is undone when it is handed over.
  set req.http.X-Silver-Host = regsub(regsub(std.tolower(req.http.Host), ":[0-9]*$", ""), "[.]$", "");
  set req.http.X-Silver-Path = regsub(req.url, "[?#].*$", "");
  if (req.http.X-Silver-Host == "acme.net" && req.http.X-Silver-Path ~ "^/front(/|$)") { return (vcl(site_front)); }
  if (req.http.X-Silver-Host == "front.acme.net") { return (vcl(site_front)); }
  return (synth(404));
}

sub vcl_synth {
  set resp.http.Content-Type = "text/html; charset=utf-8";
  set resp.http.Cache-Control = "no-store";
  synthetic({"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Nothing here</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 18vh auto 0; max-width: 32rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
  p { margin: 0; opacity: .75; }
</style>
<h1>Nothing here</h1>
<p>No site answers at this address.</p>
</html>
"});
  return (deliver);
}

vcl 4.1;
# Which site answers: exact hosts first, then suffixes, then every host; longer paths first. One line a location.

import blob;
import std;

backend default none;

acl trusted_proxies {
  "10.1.0.0"/16;
}

acl node_itself {
  "127.0.0.0"/8;
  "::1";
}

sub vcl_recv {
  set sess.timeout_idle = 75s;
  if (client.ip ~ trusted_proxies) {
    # How many of the last addresses are proxies: the one thing that survives the hand-over.
    set req.http.X-Silver-Client = req.http.X-Forwarded-For;
    set sess.timeout_idle = 601s;
    set req.http.X-Silver-Client = regsub(req.http.X-Silver-Client, "^(.*),[^,]*$", "\1");
    if (std.ip(regsub(regsub(req.http.X-Silver-Client, "^.*,", ""), "^ *(?:\[([^]]*)\].*|([0-9.]+):[0-9]+|([^ ]*)) *$", "\1\2\3"), "0.0.0.0", resolve=false) ~ trusted_proxies) {
      set sess.timeout_idle = 602s;
      set req.http.X-Silver-Client = regsub(req.http.X-Silver-Client, "^(.*),[^,]*$", "\1");
      if (std.ip(regsub(regsub(req.http.X-Silver-Client, "^.*,", ""), "^ *(?:\[([^]]*)\].*|([0-9.]+):[0-9]+|([^ ]*)) *$", "\1\2\3"), "0.0.0.0", resolve=false) ~ trusted_proxies) {
        set sess.timeout_idle = 603s;
        set req.http.X-Silver-Client = regsub(req.http.X-Silver-Client, "^(.*),[^,]*$", "\1");
        if (std.ip(regsub(regsub(req.http.X-Silver-Client, "^.*,", ""), "^ *(?:\[([^]]*)\].*|([0-9.]+):[0-9]+|([^ ]*)) *$", "\1\2\3"), "0.0.0.0", resolve=false) ~ trusted_proxies) {
          set sess.timeout_idle = 604s;
        }
      }
    }
  }
  # For the lines below only: a change of the request is undone when it is handed over.
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
  set req.http.X-Silver-Host = regsub(std.tolower(req.http.Host), "[.]?(?::[0-9]*)?$", "");
  if (req.http.Upgrade ~ "(?i)(?:^|[ ,])websocket(?:$|[ ,])") {
    return (synth(501));
  }
  if (local.socket != "tls" && client.ip !~ node_itself && !(client.ip ~ trusted_proxies && req.http.X-Forwarded-Proto ~ "(?i)^ *https *$")
    && req.url ~ "^/" && req.http.X-Silver-Host ~ "^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$") {
    return (synth(308));
  }
  if (req.http.X-Silver-Host == "acme.net" && req.url ~ "^/blog(?:[/?#]|$)") { return (vcl(site_blog)); }
  if (req.http.X-Silver-Host == "blog.acme.net") { return (vcl(site_blog)); }
  if (req.http.X-Silver-Host ~ "(^|[.])acme\.org$") { return (vcl(site_blog)); }
  return (vcl(site_hello));
  return (synth(404));
}

sub vcl_synth {
  if (resp.status == 400) {
    set resp.http.Content-Type = "text/html; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    synthetic({"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Not understood</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 18vh auto 0; max-width: 32rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
  p { margin: 0; opacity: .75; }
</style>
<h1>Not understood</h1>
<p>This address can't be read.</p>
</html>
"});
    return (deliver);
  }
  if (resp.status == 501) {
    set resp.http.Content-Type = "text/html; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    synthetic({"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Not possible</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 18vh auto 0; max-width: 32rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
  p { margin: 0; opacity: .75; }
</style>
<h1>Not possible</h1>
<p>No site here can answer over a WebSocket.</p>
</html>
"});
    return (deliver);
  }
  if (resp.status == 308) {
    set resp.http.Content-Type = "text/html; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    set resp.http.Location = "https://" + req.http.X-Silver-Host + req.url;
    synthetic({"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Over there</title>
<style>
  :root { color-scheme: light dark; }
  body { margin: 18vh auto 0; max-width: 32rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
  h1 { font-size: 1.6rem; font-weight: 600; margin: 0 0 .5rem; }
  p { margin: 0; opacity: .75; }
</style>
<h1>Over there</h1>
<p>This site answers over https.</p>
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

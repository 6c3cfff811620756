vcl 4.1;
# Says 503 for a site that has no release to answer.

backend default none;

sub vcl_recv {
  return (synth(503));
}

sub vcl_synth {
  set resp.http.Content-Type = "text/html; charset=utf-8";
  set resp.http.Cache-Control = "no-store";
  set resp.http.Retry-After = "5";
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
<p>This site has nothing to show yet. Please try again shortly.</p>
</html>
"});
  return (deliver);
}

"""A small WSGI app: a page that says which release on which node answered, and /health for the check."""

import os
import socket
from html import escape

# Change this line, run `pulumi up`, and reload the page.
GREETING = "Hello from Silver Lining"

PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>{greeting}</title>
  <link rel="stylesheet" href="{static}style.css">
</head>
<body>
  <main>
    <h1>{greeting}</h1>
    <p>Apache and mod_wsgi made this page, Varnish brought it to you, and one small manifest asked for all of it.</p>
    <dl>
      <dt>Release</dt> <dd><code>{release}</code></dd>
      <dt>Node</dt> <dd><code>{node}</code></dd>
      <dt>Process</dt> <dd><code>{process}</code></dd>
    </dl>
    <p class="next">Edit <code>GREETING</code> in <code>{file}</code>, then run <code>pulumi up</code>.</p>
  </main>
</body>
</html>
"""


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/health":
        return answer(start_response, "200 OK", "ok\n", "text/plain")
    if path in ("", "/"):
        return answer(start_response, "200 OK", page())
    return answer(start_response, "404 Not Found", "There is no such page.\n", "text/plain")


def page():
    return PAGE.format(
        greeting=escape(GREETING),
        static=escape(os.environ.get("STATIC_URL", "/")),
        release=escape(os.environ.get("SILVER_INSTANCE_NAME", "not released")),
        node=escape(socket.gethostname()),
        process=os.getpid(),
        file="src/wsgi.py",
    )


def answer(start_response, status, text, kind="text/html"):
    body = text.encode()
    start_response(status, [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body)))])
    return [body]

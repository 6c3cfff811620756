/** Files of a new app by their path, its manifest as app.yaml among them. */
type Template = (name: string) => Record<string, string>;

const manifest = (
  name: string,
  runner: string,
  packages: string[] = [],
): string => `# yaml-language-server: $schema=../../docs/manifest.schema.json
# What the app needs. Every key: docs/manifest.md, or silver init --all-keys.
name: ${name}
version: 0.1.0
runner: ${runner}
${packages.length === 0 ? "" : `# Packages of apt, installed on the app's nodes.\npackages: [${packages.join(", ")}]\n`}# A new release must answer this before any visitor sees it.
check: { path: /health, body: ok, within: 30s }
`;

const style = `:root { color-scheme: light dark; }
body { margin: 15vh auto 0; max-width: 36rem; padding: 0 1.5rem; font: 1.1rem/1.6 system-ui, sans-serif; }
`;

const page = (name: string): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${name}</title>
<link rel="stylesheet" href="{static}style.css">
<h1>${name}</h1>
<p>It runs.</p>
`;

const staticManifest = (name: string): string => `# yaml-language-server: $schema=../../docs/manifest.schema.json
# What the app needs. Every key: docs/manifest.md, or silver init --all-keys.
name: ${name}
version: 0.1.0
# The files in static/ are the site; no code runs.
platform: static
# A new release must answer this before any visitor sees it.
check: { path: /, body: "<h1>", within: 30s }
`;

/** What `silver init` makes. */
export const templates = {
  wsgi: (name) => ({
    "app.yaml": manifest(name, "src/wsgi.py"),
    "static/style.css": style,
    "src/wsgi.py": `import os

PAGE = """${page(name)}"""


def application(environ, start_response):
    if environ["PATH_INFO"] == "/health":
        body, kind = b"ok", "text/plain"
    else:
        body, kind = PAGE.format(static=os.environ["STATIC_URL"]).encode(), "text/html; charset=utf-8"
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
`,
  }),
  flask: (name) => ({
    "app.yaml": manifest(name, "src/wsgi.py", ["python3-flask"]),
    "static/style.css": style,
    "src/wsgi.py": `import os

from flask import Flask

application = Flask(__name__, static_folder=None)

PAGE = """${page(name)}"""


@application.get("/")
def index():
    return PAGE.format(static=os.environ["STATIC_URL"])


@application.get("/health")
def health():
    return "ok"
`,
  }),
  django: (name) => ({
    "app.yaml": manifest(name, "src/wsgi.py", ["python3-django"]),
    "static/style.css": style,
    "src/wsgi.py": `import os
from pathlib import Path

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    # The site's own, made on its node; the same for every release.
    SECRET_KEY=Path(os.environ["SILVER_SECRET_FILE"]).read_text().strip(),
    # Varnish lets in only what is asked of this site's locations.
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
)

PAGE = """${page(name)}"""


def index(request):
    return HttpResponse(PAGE.format(static=os.environ["STATIC_URL"]))


def health(request):
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [path("", index), path("health", health)]

application = get_wsgi_application()
`,
  }),
  php: (name) => ({
    "app.yaml": manifest(name, "src/index.php"),
    "static/style.css": style,
    "src/index.php": `<?php
// Runs for every request that no file of static/ answers.
if ($_SERVER['PATH_INFO'] === '/health') {
    header('Content-Type: text/plain');
    exit('ok');
}
header('Content-Type: text/html; charset=utf-8');
?>
${page(name).replace("{static}", "<?= htmlspecialchars($_ENV['STATIC_URL']) ?>")}`,
  }),
  static: (name) => ({
    "app.yaml": staticManifest(name),
    "static/style.css": style,
    "static/index.html": page(name).replace("{static}", ""),
  }),
} satisfies Record<string, Template>;

export type TemplateName = keyof typeof templates;

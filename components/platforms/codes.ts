import type { CodeEntry } from "../text/code.ts";

/** Codes of apps that their platform can't run as they are. */
export const platformCodes = {
  "no-application": {
    rule: "A Python runner defines `application`, the WSGI callable, or the object that is named after its #. A file of Paste Deploy has a section for the application that is named after its #, or for main.",
    example: { "app.yaml": "name: blog\nrunner: wsgi.py\n", "wsgi.py": "def app(environ, start_response): ...\n" },
    fix: "Define it at the top level of the runner: def application(environ, start_response). Or name what it defines: runner: wsgi.py#app.",
  },
  "php-app": {
    rule: "An app in PHP has a runner that ends in .php, or a php_root, and no .php in static/, where nothing is run; only such an app has one of these. Its processes have one thread, and its checker is a script in PHP.",
    example: { "app.yaml": "name: blog\nrunner: index.php\nprocesses: {threads: 2}\n", "index.php": "<?php echo 'ok';\n" },
    fix: "Follow the message.",
  },
  "static-app": {
    rule: "An app of the platform static has files in static/, one of which answers the check that it declares, and no key that is only for running code.",
    example: { "app.yaml": "name: blog\nplatform: static\nservices: {files: {}}\n", "static/index.html": "<h1>Blog</h1>\n" },
    fix: "Delete the key; or delete the platform, and give a runner.",
  },
} as const satisfies Record<string, CodeEntry>;

type Entries = typeof platformCodes;

declare module "../text/code.ts" {
  interface Codes extends Entries {}
}

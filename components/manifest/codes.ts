import type { CodeEntry } from "../text/code.ts";

/** Codes that only a manifest, or an app that does not match it, can cause. */
export const manifestCodes = {
  "bad-command": {
    rule: "A command is a program inside the app's directory, followed by plain words: no shell reads them.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nworkers: {mail: {run: bin/mailer | tee log}}\n" },
    fix: "Put what needs a shell into a script under bin/.",
  },
  "bad-package": {
    rule: "A package is the name of a Debian package: lower-case letters, digits, + . and -.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\npackages: [libjpeg62-turbo=2.1]\n" },
    fix: "Give the bare name; the node's distribution decides the version.",
  },
  "bad-time": {
    rule: "A time has the five fields of crontab(5), or is @hourly, @daily, @weekly, @monthly or @yearly.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ncron: {digest: {at: 61 3 * * *, run: bin/digest}}\n" },
    fix: "Correct the field that the message names.",
  },
  "bad-version": {
    rule: "A version is semver without build metadata (1.5.0, 2.0.0-rc.1) or a timestamp (20261121_001), as a text.",
    example: { "app.yaml": 'name: blog\nrunner: src/wsgi.py\nversion: "1.10"\n' },
    fix: 'Put it in quotes with all three numbers: "1.10.0".',
  },
  "both-manifests": {
    rule: "An app has one manifest: app.yaml or app.ini.",
    example: { "app.yaml": "name: blog\nrunner: wsgi.py\n", "app.ini": "[production]\napp_name = blog\n" },
    fix: "Delete the one that is out of date.",
  },
  "no-data": {
    rule: "A migration needs a service that keeps data.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nmigrate: {run: bin/migrate}\n" },
    isLater: true,
    fix: "Add the service, or delete migrate.",
  },
  "not-executable": {
    rule: "A script that is started as a program is executable; one that ends in .py is read by Python and need not be.",
    example: {
      "app.yaml": "name: blog\nrunner: src/wsgi.py\nconfig: {checker: bin/check-config}\n",
      "bin/check-config": "#!/bin/sh\n",
    },
    fix: "Make it executable, and commit that: git update-index --chmod=+x FILE.",
  },
  "template-statement": {
    rule: "A template of configuration (config.template) contains {{variable}} and {{default variable = value}}, and no other statement of Tempita.",
    example: {
      "app.yaml": "name: blog\nrunner: src/wsgi.py\nconfig: {template: conf/template}\n",
      "conf/template/blog.ini.tmpl": "[mail]\n{{if host}}host = {{host}}{{endif}}\n",
    },
    fix: "Write {{variable}}, and compute everything else in the app.",
  },
} as const satisfies Record<string, CodeEntry>;

type Entries = typeof manifestCodes;

declare module "../text/code.ts" {
  interface Codes extends Entries {}
}

import { iniCodes } from "./ini-codes.ts";
import { planCodes } from "./plan-codes.ts";

/** What docs/errors.md says of one code: the rule behind it, files that break it, and what to do. */
export interface CodeEntry {
  /** The rule that was broken, as one sentence. */
  rule: string;
  /**
   * The smallest files that break it, name → text or link: `app.yaml` or `app.ini` with what else the app holds, or `dev.yaml`,
   * an environment. Empty where files alone can't.
   */
  example: Record<string, string | { linkTo: string }>;
  /** What to do, as one sentence. */
  fix: string;
  /** Whether it only comes with a key that is not built yet; then the example has that key. Default: false. */
  isLater?: boolean;
}

/** Every code an issue can carry. docs/errors.md is generated from it, and a test produces each code from its example. */
export const codes = {
  ...iniCodes,
  ...planCodes,
  alias: {
    rule: "Anchors (&x), aliases (*x) and merge keys (<<) are not used: each value stands where it counts, so that an error can name its place.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\npackages: &p [libjpeg62-turbo]\n" },
    fix: "Write the value out; a text that begins with * or & needs quotes.",
  },
  "ambiguous-text": {
    rule: "A text that some YAML readers take for a number, a date or a switch stands in quotes.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nconfig: {default: {SIGNUPS: off}}\n" },
    fix: 'Put it in quotes: "off".',
  },
  "bad-choice": {
    rule: "The value is one of a closed list.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nplatform: pyton\n" },
    fix: "Use one of the values that the message names.",
  },
  "bad-command": {
    rule: "A command is a program inside the app's directory, followed by plain words: no shell reads them.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ntest: bin/smoke | tee log\n" },
    isLater: true,
    fix: "Put what needs a shell into a script under bin/.",
  },
  "bad-count": {
    rule: 'A count is a whole number within the range that the message names; 8 and "8" are the same.',
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nprocesses: {count: many}\n" },
    fix: "Write plain digits.",
  },
  "bad-duration": {
    rule: "A duration is a whole number and a unit: s, m, h or d.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ntimeouts: {request: 10}\n" },
    fix: "Add the unit: 10s.",
  },
  "bad-host": {
    rule: "A host is a name or an IP address, without user, port or path.",
    example: { "dev.yaml": "nodes:\n  web1: {host: 'root@10.0.1.11', os: debian-13, hostKey: 'ssh-ed25519 AAAAC3Nz'}\n" },
    fix: "Give the bare name or address; port and ssh.user have keys of their own.",
  },
  "bad-host-key": {
    rule: "A host key is one line of type and base64, as ssh-keyscan prints it after the host.",
    example: { "dev.yaml": "nodes:\n  web1: {host: 10.0.1.11, os: debian-13, hostKey: SHA256:abc}\n" },
    fix: "Take it from /etc/ssh/ssh_host_ed25519_key.pub on the node: type and key, without the comment.",
  },
  "bad-location": {
    rule: "A location is host[/path], .example.com[/path] (the host and all below it) or *[/path] (every host), without scheme and port.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ndefault_location: https://blog.acme.net\n" },
    fix: "Write host and path only: blog.acme.net.",
  },
  "bad-name": {
    rule: "A name is a lower-case letter followed by at most 23 lower-case letters, digits or hyphens: it becomes a Unix user, a database role, a directory and a unit.",
    example: { "app.yaml": "name: My_Blog\nrunner: src/wsgi.py\n" },
    fix: "Choose a name such as my-blog.",
  },
  "bad-package": {
    rule: "A package is the name of a Debian package: lower-case letters, digits, + . and -.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\npackages: [libjpeg62-turbo=2.1]\n" },
    fix: "Give the bare name; the node's distribution decides the version.",
  },
  "bad-path": {
    rule: "A path is relative to the app's directory, with forward slashes and letters, digits, _ . + - only.",
    example: { "app.yaml": "name: blog\nrunner: src/my app.py\n" },
    fix: "Rename the file, or correct the path.",
  },
  "bad-text": {
    rule: "A text has the form that the message names.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ncheck: {path: health}\n" },
    fix: "Write it as the message says.",
  },
  "bad-switch": {
    rule: "A switch is true or false.",
    example: { "dev.yaml": "nodes:\n  web1: {local: maybe, os: debian-13}\n" },
    fix: "Write true or false.",
  },
  "bad-size": {
    rule: "A size is a whole number and a unit: K, M or G (1024, 1024², 1024³ bytes).",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nprocesses: {memory: 400MB}\n" },
    fix: "Write for example 400M.",
  },
  "bad-time": {
    rule: "A time has the five fields of crontab(5), or is @hourly, @daily, @weekly, @monthly or @yearly.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ncron: {digest: {at: 61 3 * * *, run: bin/digest}}\n" },
    isLater: true,
    fix: "Correct the field that the message names.",
  },
  "bad-variable": {
    rule: "The name of a variable is an upper-case letter followed by upper-case letters, digits or _; names that begin with SILVER_ or CONFIG_ belong to the platform.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nconfig: {default: {signups: 'on'}}\n" },
    fix: "Choose a name such as SIGNUPS.",
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
  "duplicate-key": {
    rule: "A key stands once.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nname: shop\n" },
    fix: "Delete one of the two.",
  },
  "leads-out": {
    rule: "A path stays inside the app's directory (an environment's inside the project).",
    example: { "app.yaml": "name: blog\nrunner: ../shared/wsgi.py\n" },
    fix: "Move the file into the directory.",
  },
  limit: {
    rule: "A site asks for no more than the environment's limits allow.",
    example: {
      "dev.yaml":
        "limits: {processes: 8}\nnodes: {web1: {local: true, os: debian-13}}\nsites:\n  blog: {app: apps/blog, nodes: [web1], limits: {processes: 12}}\n",
    },
    fix: "Lower what the site asks for, or raise the environment's limit.",
  },
  "misplaced-key": {
    rule: "What belongs to one environment stands in its file; stacks/base.yaml has what holds for all of them.",
    example: {
      "base.yaml": "nodes: {web1: {local: true, os: debian-13}}\n",
      "dev.yaml": 'sites: {blog: {app: apps/blog, nodes: [web1], locations: ["*"]}}\n',
    },
    fix: "Move it to stacks/<environment>.yaml.",
  },
  "missing-file": {
    rule: "A file that is named exists.",
    example: { "app.yaml": "name: blog\nrunner: src/main.py\n" },
    fix: "Create it, or correct the path.",
  },
  "missing-secret": {
    rule: "Each version of a secret that an environment names stands, encrypted, in the configuration of its stack.",
    example: {},
    fix: "Set it with the command that the message names.",
  },
  "missing-key": {
    rule: "A key that has no default is given.",
    example: { "app.yaml": "name: blog\n" },
    fix: "Add the key that the message names.",
  },
  "no-data": {
    rule: "A migration needs a service that keeps data.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nmigrate: {run: bin/migrate}\n" },
    isLater: true,
    fix: "Add the service, or delete migrate.",
  },
  "no-application": {
    rule: "A Python runner defines `application`, the WSGI callable.",
    example: { "app.yaml": "name: blog\nrunner: wsgi.py\n", "wsgi.py": "def app(environ, start_response): ...\n" },
    fix: "Define it at the top level of the runner: def application(environ, start_response).",
  },
  "node-machine": {
    rule: "A node is either local (local: true) or reached by SSH (host and hostKey).",
    example: { "dev.yaml": "nodes:\n  web1: {os: debian-13}\n" },
    fix: "Give local: true, or host and hostKey.",
  },
  "node-role": {
    rule: "A site runs on nodes with the role web; its services on nodes with the role service.",
    example: {
      "dev.yaml":
        "nodes:\n  data1: {local: true, os: debian-13, roles: [service]}\nsites:\n  blog: {app: apps/blog, nodes: [data1]}\n",
    },
    fix: "Name another node, or give this one the role.",
  },
  "not-executable": {
    rule: "A script that is started as a program is executable; one that ends in .py is read by Python and need not be.",
    example: {
      "app.yaml": "name: blog\nrunner: src/wsgi.py\nconfig: {checker: bin/check-config}\n",
      "bin/check-config": "#!/bin/sh\n",
    },
    fix: "Make it executable, and commit that: git update-index --chmod=+x FILE.",
  },
  "not-yet": {
    rule: "A key whose feature is not built yet is refused, so that nobody relies on what does not happen.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ncron: {digest: {at: '15 3 * * *', run: bin/digest}}\n" },
    fix: "Leave the key out, and do what the message says instead.",
  },
  "php-app": {
    rule: "An app in PHP has a runner that ends in .php, or a php_root, and no .php in static/, where nothing is run; only such an app has one of these. Its processes have one thread, and its checker is a script in PHP.",
    example: { "app.yaml": "name: blog\nrunner: index.php\nprocesses: {threads: 2}\n", "index.php": "<?php echo 'ok';\n" },
    fix: "Do what the message says.",
  },
  "repeated-value": {
    rule: "A value stands once in a list.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\npackages: [git, git]\n" },
    fix: "Delete one of the two.",
  },
  "static-app": {
    rule: "An app of the platform static has files in static/, one of which answers its check, and no key that only running code has a use for.",
    example: { "app.yaml": "name: blog\nplatform: static\nservices: {files: {}}\n", "static/index.html": "<h1>Blog</h1>\n" },
    fix: "Delete the key; or delete the platform, and give a runner.",
  },
  "too-deep": {
    rule: "Values nest at most 16 deep.",
    example: { "app.yaml": `name: ${"[".repeat(20)}${"]".repeat(20)}\n` },
    fix: "Take the nesting out; no key needs it.",
  },
  "template-statement": {
    rule: "A template of configuration (config.template) holds {{variable}} and {{default variable = value}}, and no other statement of Tempita.",
    example: {
      "app.yaml": "name: blog\nrunner: src/wsgi.py\nconfig: {template: conf/template}\n",
      "conf/template/blog.ini.tmpl": "[mail]\n{{if host}}host = {{host}}{{endif}}\n",
    },
    fix: "Write {{variable}}, and leave what must be computed to the app.",
  },
  "too-large": {
    rule: "A manifest has at most 16,384 characters, an environment 131,072; a configuration directory 500 files and 1 MiB.",
    example: { "app.yaml": `name: blog\nrunner: src/wsgi.py\n${"# padding\n".repeat(3400)}` },
    fix: "Take out what is no manifest; data belongs in files of the app.",
  },
  "unknown-key": {
    rule: "Only the keys of the reference are known (docs/manifest.md, docs/environment.md).",
    example: { "app.yaml": "name: blog\nrunnr: src/wsgi.py\n" },
    fix: "Correct the key, or delete it.",
  },
  "unknown-node": {
    rule: "A site runs on nodes of its environment.",
    example: { "dev.yaml": "nodes:\n  web1: {local: true, os: debian-13}\nsites:\n  blog: {app: apps/blog, nodes: [web2]}\n" },
    fix: "Name a node that stands under nodes.",
  },
  "wrong-type": {
    rule: "Where a list, a map or a single value is meant, that is what stands there.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\npackages: {git: true}\n" },
    fix: "Write a list as [a, b], a map as {key: value}.",
  },
  "yaml-syntax": {
    rule: "The text is valid YAML 1.2: one document, indented by spaces, without tags and directives.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ncheck: {path: /\n" },
    fix: "Correct it at the place that the message names.",
  },
  "yaml-tab": {
    rule: "YAML is indented by spaces, never by tabs.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ncheck:\n\tpath: /health\n" },
    fix: "Replace the tab by two spaces.",
  },
  "yaml-tag": {
    rule: "Tags such as !!python/object or !!js/function are not used.",
    example: { "app.yaml": "name: !!js/function blog\nrunner: src/wsgi.py\n" },
    fix: "Delete the tag; put quotes around a text that begins with !.",
  },
} as const satisfies Record<string, CodeEntry>;

/** One code of the closed list. */
export type Code = keyof typeof codes;

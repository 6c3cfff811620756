import type { CodeEntry } from "./code.ts";

/** Codes for errors in any text that a person writes: its form, its keys and its values. */
export const textCodes = {
  alias: {
    rule: "Anchors (&x), aliases (*x) and merge keys (<<) are not used: each value is written where it is used, so that an error can point at it.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\npackages: &p [libjpeg62-turbo]\n" },
    fix: "Write the value out; a text that begins with * or & needs quotes.",
  },
  "ambiguous-text": {
    rule: "A text that some YAML readers take for a number, a date or a switch needs quotes.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nconfig: {default: {SIGNUPS: off}}\n" },
    fix: 'Put it in quotes: "off".',
  },
  "bad-choice": {
    rule: "The value is one of a closed list.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nplatform: pyton\n" },
    fix: "Use one of the values that the message names.",
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
  "bad-line": {
    rule: "Each line of app.ini is a section, a key with a value, the indented rest of a value, or a comment.",
    example: { "app.ini": "[production]\napp_name = blog\nrunner = src/wsgi.py\nversion 1.5.0\n" },
    fix: "Write key = value; indent a line that continues the value above; begin a comment with #.",
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
  "bad-path": {
    rule: "A path is relative to the app's directory, with forward slashes and letters, digits, _ . + - only.",
    example: { "app.yaml": "name: blog\nrunner: src/my app.py\n" },
    fix: "Rename the file, or correct the path.",
  },
  "bad-size": {
    rule: "A size is a whole number and a unit: K, M or G (1024, 1024², 1024³ bytes).",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nprocesses: {memory: 400MB}\n" },
    fix: "Write for example 400M.",
  },
  "bad-switch": {
    rule: "A switch is true or false.",
    example: { "dev.yaml": "nodes:\n  web1: {local: maybe, os: ubuntu-24.04}\n" },
    fix: "Write true or false.",
  },
  "bad-text": {
    rule: "A text has the form that the message names.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ncheck: {path: health}\n" },
    fix: "Write it as the message says.",
  },
  "bad-variable": {
    rule: "The name of a variable is an upper-case letter followed by upper-case letters, digits or _; names that begin with SILVER_ or CONFIG_ belong to the platform.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nconfig: {default: {signups: 'on'}}\n" },
    fix: "Choose a name such as SIGNUPS.",
  },
  "control-character": {
    rule: "A manifest is plain text, without control characters.",
    example: { "app.ini": "[production]\napp_name = blog\u0007\nrunner = src/wsgi.py\n" },
    fix: "Save the file as UTF-8 text with Unix line ends.",
  },
  "duplicate-key": {
    rule: "A key is given once.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\nname: shop\n" },
    fix: "Delete one of the two.",
  },
  "key-before-section": {
    rule: "Every key of app.ini is below [production].",
    example: { "app.ini": "app_name = blog\nrunner = src/wsgi.py\n[production]\n" },
    fix: "Put the line [production] first.",
  },
  "leads-out": {
    rule: "A path stays inside the app's directory (an environment's inside the project), also where links lead; an app's own directory and its configuration directory are no links and not hidden.",
    example: { "app.yaml": "name: blog\nrunner: ../shared/wsgi.py\n" },
    fix: "Move the file into the directory.",
  },
  "missing-file": {
    rule: "A file that is named exists.",
    example: { "app.yaml": "name: blog\nrunner: src/main.py\n" },
    fix: "Create it, or correct the path.",
  },
  "missing-key": {
    rule: "A key that has no default is given.",
    example: { "app.yaml": "name: blog\n" },
    fix: "Add the key that the message names.",
  },
  "not-yet": {
    rule: "A key whose feature is not built yet is refused, so that nobody relies on what does not happen.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ncache: {default: 5m}\n" },
    fix: "Leave the key out, and do what the message says instead.",
  },
  "repeated-value": {
    rule: "A value is in a list once.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\npackages: [git, git]\n" },
    fix: "Delete one of the two.",
  },
  "too-deep": {
    rule: "Values nest at most 16 deep.",
    example: { "app.yaml": `name: ${"[".repeat(20)}${"]".repeat(20)}\n` },
    fix: "Remove the nesting; no key needs it.",
  },
  "too-large": {
    rule: "A manifest has at most 16,384 characters, an environment 131,072; a file of an app 2 GB; a requirements.txt 4 MiB, a template 1 MiB, a configuration directory 500 files and 1 MiB.",
    example: { "app.yaml": `name: blog\nrunner: src/wsgi.py\n${"# padding\n".repeat(3400)}` },
    fix: "Move everything else out; data belongs in files of the app.",
  },
  "unknown-key": {
    rule: "Only the keys of the reference are known (docs/manifest.md, docs/environment.md).",
    example: { "app.yaml": "name: blog\nrunnr: src/wsgi.py\n" },
    fix: "Correct the key, or delete it.",
  },
  "wrong-type": {
    rule: "A value has the kind that its key wants: a list, a map or a single value.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\npackages: {git: true}\n" },
    fix: "Write a list as [a, b], a map as {key: value}.",
  },
  "yaml-syntax": {
    rule: "The text is valid YAML 1.2: one document, indented by spaces, without tags and directives.",
    example: { "app.yaml": "name: blog\nrunner: src/wsgi.py\ncheck: {path: /\n" },
    fix: "Correct it where the message points.",
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

type Entries = typeof textCodes;

declare module "./code.ts" {
  interface Codes extends Entries {}
}

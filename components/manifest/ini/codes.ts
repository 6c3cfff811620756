import type { CodeEntry } from "../../text/code.ts";

/** The codes that only an app.ini can cause: its form, and what 2010 read differently from how it looks. */
export const iniCodes = {
  "bad-words": {
    rule: "A value of several words in app.ini has the form that the reference shows for its key.",
    example: { "app.ini": "[production]\napp_name = blog\nrunner = src/wsgi.py\nprocesses = 8 16\n" },
    fix: "Write it as the message shows; text with blanks needs double quotes.",
  },
  "comment-in-value": {
    rule: "In app.ini a comment has a line of its own, without indent; after a value only a blank and ; begin one.",
    example: { "app.ini": "[production]\napp_name = blog\nrunner = src/wsgi.py # ours\n" },
    fix: "Put the comment on a line of its own.",
  },
  "ignored-text": {
    rule: "Only the section [production] of app.ini is read, and nothing after a section's name.",
    example: { "app.ini": "[production]\napp_name = blog\nrunner = src/wsgi.py\n[development]\nrunner = devel.py\n" },
    fix: "Delete what is not read, or make it a comment.",
  },
  interpolation: {
    rule: "%(name)s is kept literally. (In 2010 Silver Lining replaced it by the value of another key.)",
    example: { "app.ini": "[production]\napp_name = blog\nrunner = src/%(app_name)s.py\n" },
    fix: "Write the value itself.",
  },
  "missing-section": {
    rule: "app.ini has a section [production], in lower case.",
    example: { "app.ini": "[Production]\napp_name = blog\nrunner = src/wsgi.py\n" },
    fix: "Begin the file with the line [production].",
  },
  "old-key": {
    rule: "Some keys of old files have no effect now.",
    example: { "app.ini": "[production]\napp_name = blog\nrunner = src/wsgi.py\ndefault_host = blog.acme.net\n" },
    fix: "Follow the message.",
  },
  "one-line": {
    rule: "Most keys of app.ini take one line; only lists and keys of several words continue on more lines.",
    example: { "app.ini": "[production]\napp_name = blog\nrunner = src/wsgi.py\n  other.py\n" },
    fix: "Remove the indent if the line is a key of its own, or delete it.",
  },
  "repeated-section": {
    rule: "app.ini has [production] once; the keys of a second one are read as if they were below the first.",
    example: { "app.ini": "[production]\napp_name = blog\n[production]\nrunner = src/wsgi.py\n" },
    fix: "Delete the second line [production].",
  },
  "service-on": {
    rule: "service.NAME in app.ini asks for the service whatever its value, as in 2010.",
    example: { "app.ini": "[production]\napp_name = blog\nrunner = src/wsgi.py\nservice.files = false\n" },
    fix: "Delete the line if the app does not need the service.",
  },
  "swallowed-key": {
    rule: "An indented line in app.ini continues the value above it.",
    example: { "app.ini": "[production]\napp_name = blog\npackages = git\n  runner = src/wsgi.py\n" },
    fix: "Remove the indent if the line is a key of its own.",
  },
} as const satisfies Record<string, CodeEntry>;

type Entries = typeof iniCodes;

declare module "../../text/code.ts" {
  interface Codes extends Entries {}
}

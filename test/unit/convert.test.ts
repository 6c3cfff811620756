import fc from "fast-check";
import { expect, test } from "vitest";
import { convertToIni } from "../../components/manifest/ini/to-ini.ts";
import { convertToYaml } from "../../components/manifest/ini/to-yaml.ts";
import { parseIni } from "../../components/manifest/ini/read.ts";
import { isError } from "../../components/text/issue.ts";
import { parseManifest } from "../../components/manifest/parse.ts";
import { tidyPath } from "../../components/text/schema/paths.ts";
import { readYaml } from "../../components/text/yaml.ts";
import { iniText, manifestTree, validTree, yamlText } from "../support/manifest-arbitrary.ts";

// More with e.g. CONVERT_CASES=100000 npx vitest run --project unit convert
const numRuns = Number(process.env.CONVERT_CASES ?? 500);
const timeout = 60_000 + numRuns * 5;

/** A tree as both forms know it: every value a text, without the ./ and / that may stand around a path, and no map that holds nothing but the keys whose presence counts. */
function meaningOf(tree: unknown): unknown {
  const texts = JSON.parse(JSON.stringify(tree), (_, each: unknown) =>
    typeof each === "number" || typeof each === "boolean" ? String(each) : typeof each === "string" ? tidyPath(each) : each,
  ) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(texts).filter(
      ([, each]) => typeof each !== "object" || Array.isArray(each) || Object.keys(each ?? {}).length > 0,
    ),
  );
}

const yaml = `# What the blog needs.

# Its name.
name: blog
version: 1.5.0 # of our own

packages:
  # for thumbnails
  - libjpeg62-turbo
  - git
services: {db: {type: postgis}, files: {}}
config:
  required: {STRIPE_KEY: from stripe.com}
  default: {SIGNUPS: "on", GREETING: "a\\nb"}
check: {path: /health, status: 200, body: ok}
processes:
  count: 8 # a core

  # never more
  threads: 1
# end
`;

const ini = `[production]
# What the blog needs.
# Its name.
app_name = blog
# of our own
version = 1.5.0

# for thumbnails
packages =
    libjpeg62-turbo
    git
service.db = postgis
service.files =
config.required = STRIPE_KEY from stripe.com
config.default =
    SIGNUPS=on
    GREETING="a\\nb"
check = /health 200 "ok"
# a core
# never more
processes = 8 threads=1
# end
`;

test("an app.yaml becomes an app.ini in the form of 2010, with its comments before the keys they stood at", () => {
  expect(convertToIni(yaml, "app.yaml")).toEqual({ text: ini, issues: [] });
});

test("an app.ini becomes an app.yaml; what had no effect stays as a comment", () => {
  const text = `; Ours.
[production]  ; the only one
# Its name.
app_name = blog ; short
rem until we have a better one
RUNNER: ./main.py

packages = git
    # for thumbnails
    libjpeg62-turbo
default_host = old.acme.net
version = 1.0.0
config.default = SIGNUPS=on
version = 1.5.0
processes = 8 memory=1G
service.files =

# The end.
[devel]
app_name = test
`;
  const converted = convertToYaml(text, "app.ini");
  expect(converted.issues.map(({ code }) => code).sort()).toEqual(["duplicate-key", "ignored-text", "old-key"]);
  expect(converted.text).toBe(`# Ours.
# the only one

# Its name.
# short
name: blog
# until we have a better one
runner: main.py

# for thumbnails
packages:
  - git
  - libjpeg62-turbo
# default_host = old.acme.net
# version = 1.0.0
config:
  default:
    SIGNUPS: "on"
version: 1.5.0
processes:
  count: 8
  memory: 1G
services:
  files: {}

# The end.
# [devel]
# app_name = test
`);
});

test.each([
  ["a key of no form", "name: blog\nrunnr: x.py\n", "2:1 [unknown-key] runnr is not a key of app.ini"],
  [
    "a key that does not exist below one that does",
    "config: {requird: {}}\n",
    "1:10 [unknown-key] config.requird is not a key of app.ini",
  ],
  ["a text of two lines", 'name: "a\\nb"\n', "1:1 [bad-text] app.ini can't express this value of name"],
  ["blanks around a text", 'runner: " a.py"\n', "1:1 [bad-text] app.ini can't express this value of runner"],
  [
    "a name with capitals",
    "services: {DB: {type: postgres}}\n",
    "1:12 [bad-text] app.ini can't express this value of services.DB",
  ],
  ["an item that looks like a comment", 'packages: ["#x"]\n', "1:1 [bad-text] app.ini can't express this value of packages"],
  ["a list", "- a\n", "1:1 [wrong-type] the text is not a map"],
])("%s can't be converted, and the message says where", (_, text, message) => {
  const { issues, text: none } = convertToIni(text, "app.yaml");
  expect(issues.map(({ place, code, message: what }) => `${place.line ?? 0}:${place.column ?? 0} [${code}] ${what}`)).toEqual([
    message,
  ]);
  expect(none).toBeUndefined();
});

test("what a terminal would obey in a comment is shown as text, and what was converted can be read", () => {
  const strange = "\u009b31m \u202e ::set-output name=x::y";
  const ini = `[production]\napp_name = a\n# ${strange}\nrunner = a.py\n; ${strange}\n[${strange}]\nx = ${strange}\n`;
  const { text = "" } = convertToYaml(ini, "app.ini");
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const obeyed = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]|^\s*::/m;
  expect(text).not.toMatch(obeyed);
  expect(text.match(/\u{fffd}31m/gu)).toHaveLength(4);
  expect(parseManifest(text, "app.yaml").issues).toEqual([]);
  expect(convertToIni("name: a\n# \u009b31m \u202e\nrunner: a.py # \u009b\n", "app.yaml").text).not.toMatch(obeyed);
});

test("a text that can't be read is not converted", () => {
  expect(convertToIni("a: [", "app.yaml")).toMatchObject({ issues: [{ code: "yaml-syntax" }] });
  const { issues, text } = convertToYaml("[production]\nrunnr = x.py\n", "app.ini");
  expect(issues.map(({ code }) => code)).toEqual(["unknown-key"]);
  expect(text).toBeUndefined();
});

test("any app.ini that can be read becomes an app.yaml with the same tree", { timeout }, () => {
  fc.assert(
    fc.property(iniText, (text) => {
      const { tree, issues } = parseIni(text, "app.ini");
      const converted = convertToYaml(text, "app.ini");
      if (issues.some(isError)) {
        expect(converted.text).toBeUndefined();
      } else {
        const again = readYaml(converted.text ?? "", "app.yaml");
        expect(again.issues).toEqual([]);
        expect(meaningOf(again.tree ?? {})).toEqual(meaningOf(tree));
      }
    }),
    { numRuns },
  );
});

/** One key or two: with more of them, some value nearly always has no words in app.ini. */
const fewKeys = fc
  .tuple(manifestTree, fc.nat())
  .map(([tree, skip]) => Object.fromEntries(Object.entries(tree).slice(skip % 20, (skip % 20) + (skip % 2) + 1)));

test("any app.yaml becomes an app.ini with the same tree, or there is a message", { timeout }, () => {
  let converted = 0;
  fc.assert(
    fc.property(yamlText(fewKeys), (text) => {
      const { tree } = readYaml(text, "app.yaml");
      const { text: written, issues } = convertToIni(text, "app.yaml");
      if (written === undefined) {
        expect(issues.some(isError)).toBe(true);
        return;
      }
      converted += 1;
      const again = parseIni(written, "app.ini");
      expect(again.issues.filter(isError)).toEqual([]);
      expect(meaningOf(again.tree)).toEqual(meaningOf(tree));
    }),
    { numRuns },
  );
  expect(converted).toBeGreaterThan(numRuns / 20);
});

test("a manifest means the same in either form, and after the way there and back", { timeout }, () => {
  fc.assert(
    fc.property(yamlText(validTree), (text) => {
      const { value, issues } = parseManifest(text, "app.yaml");
      expect(issues).toEqual([]);
      const written = convertToIni(text, "app.yaml").text ?? "";
      expect({ ...parseManifest(written, "app.ini").value, file: "app.yaml" }).toEqual(value);
      expect(parseManifest(convertToYaml(written, "app.ini").text ?? "", "app.yaml").value).toEqual(value);
    }),
    { numRuns },
  );
});

test("no comment is lost on either way", { timeout }, () => {
  const commentsIn = (text: string, marks: RegExp) =>
    text
      .split("\n")
      .flatMap((line) => marks.exec(line)?.[1]?.trim() ?? [])
      .filter((comment) => comment !== "")
      .sort();
  fc.assert(
    fc.property(yamlText(validTree), (text) => {
      const written = convertToIni(text, "app.yaml").text ?? "";
      const marks = /^\s*#(.*)/;
      expect(commentsIn(written, marks)).toEqual(commentsIn(text, marks));
      expect(commentsIn(convertToYaml(written, "app.ini").text ?? "", marks)).toEqual(commentsIn(text, marks));
    }),
    { numRuns },
  );
});

test("a path keeps its ./ and / on the way to app.ini, where they mean the same", () => {
  const text = "name: wiki\nrunner: ./index.php\nphp_root: www/\n";
  expect(convertToIni(text, "app.yaml")).toEqual({
    text: "[production]\napp_name = wiki\nrunner = ./index.php\nphp_root = www/\n",
    issues: [],
  });
});

test("short forms of app.yaml become those of app.ini", () => {
  const text = "name: blog\nrunner: wsgi.py\ncheck: /health\nservices:\n  db: postgres\n  files:\n";
  expect(convertToIni(text, "app.yaml")).toEqual({
    text: "[production]\napp_name = blog\nrunner = wsgi.py\ncheck = /health\nservice.db = postgres\nservice.files =\n",
    issues: [],
  });
});

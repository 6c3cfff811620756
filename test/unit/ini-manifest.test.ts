import fc from "fast-check";
import { expect, test } from "vitest";
import { parseIni } from "../../components/manifest/ini/read.ts";
import { decodeManifest } from "../../components/manifest/read.ts";
import { readYaml } from "../../components/text/yaml.ts";

const treeOf = (text: string) => parseIni(text, "app.ini").tree;

/** `line:column severity [code] message` of each issue, in the order in which they were found. */
const issuesOf = (text: string) =>
  parseIni(text, "app.ini").issues.map(
    ({ place, severity, code, message }) => `${place.line ?? 0}:${place.column ?? 0} ${severity} [${code}] ${message}`,
  );

/** A tree as the INI form knows it, where every value is a text. */
const asTexts = (tree: unknown): unknown =>
  JSON.parse(JSON.stringify(tree), (_, value: unknown) => (typeof value === "number" ? String(value) : value));

const bothForms: [ini: string, yaml: string][] = [
  [
    "app_name = blog\nversion: 1.5.0\nrunner = src/wsgi.py\nplatform = python",
    "{name: blog, version: 1.5.0, runner: src/wsgi.py, platform: python}",
  ],
  ["default_location = *\nphp_root = site/\ntest = bin/smoke.py", "{default_location: '*', php_root: site, test: bin/smoke.py}"],
  ["default_location = http://blog.acme.net/x", "{default_location: blog.acme.net/x}"],
  ["runner = ./main.py\nconfig.template = src/tmpl/", "{runner: main.py, config: {template: src/tmpl}}"],
  ["packages = libjpeg62-turbo\n    python3-psycopg2", "{packages: [libjpeg62-turbo, python3-psycopg2]}"],
  ["packages =\n  a\n\n  # not b\n  c\n", "{packages: [a, c]}"],
  ["update_fetch = /update\n  script:bin/x a b", "{update_fetch: [/update, script:bin/x a b]}"],
  [
    "package_install_script = ./bin/a\nafter_install_script =\n  bin/b",
    "{package_install_script: [bin/a], after_install_script: [bin/b]}",
  ],
  [
    "service.postgis =\nservice.mysql = true\nservice.files = quota=2G",
    "{services: {postgis: {}, mysql: {}, files: {quota: 2G}}}",
  ],
  [
    "service.db = postgis\nservice.cache = redis memory=64M",
    "{services: {db: {type: postgis}, cache: {type: redis, memory: 64M}}}",
  ],
  ["config.required = true", "{config: {required: true}}"],
  ["config.required = off", "{config: {required: false}}"],
  [
    "config.required = STRIPE_KEY secret; from stripe.com/keys\n  SIGNUPS on or off\n  BARE",
    "{config: {required: {STRIPE_KEY: 'secret; from stripe.com/keys', SIGNUPS: on or off, BARE: ''}}}",
  ],
  [
    'config.default = SIGNUPS=on\n  EMPTY =\n  QUOTED = " a \\"b\\" "\n  URL=http://a/?b=c',
    `{config: {default: {SIGNUPS: "on", EMPTY: "", QUOTED: ' a "b" ', URL: 'http://a/?b=c'}}}`,
  ],
  [
    "config.default = src/default-config/\nconfig.checker = blog.config:check",
    "{config: {default: src/default-config, checker: blog.config:check}}",
  ],
  ['check = /health 200 "ok" within=30s watch=20s', "{check: {path: /health, status: 200, body: ok, within: 30s, watch: 20s}}"],
  ["check = / https=true", '{check: {path: /, https: "true"}}'],
  ['check = 204\n  body="a b"', "{check: {status: 204, body: a b}}"],
  [
    "migrate = bin/migrate --all timeout=10m mode=copy max_pause=60s",
    "{migrate: {run: bin/migrate --all, timeout: 10m, mode: copy, max_pause: 60s}}",
  ],
  [
    "cron.digest = 15 3 * * * bin/digest x=1 last overlap=skip timeout=1h\ncron.hourly = @hourly bin/x",
    "{cron: {digest: {at: '15 3 * * *', run: bin/digest x=1 last, overlap: skip, timeout: 1h}, hourly: {at: '@hourly', run: bin/x}}}",
  ],
  ["worker.mail = bin/mailer count=2 stop=60s", "{workers: {mail: {run: bin/mailer, count: 2, stop: 60s}}}"],
  ["processes = 8 threads=1 memory=400M requests=5000", "{processes: {count: 8, threads: 1, memory: 400M, requests: 5000}}"],
  ["slow = /export /big processes=2 timeout=10m", "{slow: {paths: [/export, /big], processes: 2, timeout: 10m}}"],
  ["limits = body=100M", "{limits: {body: 100M}}"],
  ["timeouts = request=10s\n  start=30s drain=60s", "{timeouts: {request: 10s, start: 30s, drain: 60s}}"],
  [
    "cache = default=0s\ncache.paths = /feed 5m\n  /x 1m\ncache.ignore_cookies = _ga",
    "{cache: {default: 0s, paths: {/feed: 5m, /x: 1m}, ignore_cookies: [_ga]}}",
  ],
  [
    "static = max_age=1h\nstatic.forever = assets/\nstatic.headers = X-Frame-Options: DENY",
    "{static: {max_age: 1h, forever: [assets/], headers: {X-Frame-Options: DENY}}}",
  ],
];

test.each(bothForms)("app.ini %j gives the tree of app.yaml %j", (ini, yaml) => {
  const read = readYaml(yaml, "app.yaml");
  expect(read.issues).toEqual([]);
  expect(issuesOf(`[production]\n${ini}`)).toEqual([]);
  expect(treeOf(`[production]\n${ini}`)).toEqual(asTexts(read.tree));
});

test.each([
  ["a key", ["name"], "key", "3:1"],
  ["a value", ["name"], "value", "3:12"],
  ["an item of a list", ["packages", 1], "value", "6:5"],
  ["a bare word", ["processes", "count"], "value", "7:14"],
  ["the name of an option", ["processes", "memory"], "key", "7:16"],
  ["the value of an option", ["processes", "memory"], "value", "7:23"],
  ["a line of a map", ["config", "required", "SIGNUPS"], "key", "9:3"],
  ["what stands behind its name", ["config", "required", "SIGNUPS"], "value", "9:11"],
  ["a map that no line stands for", ["config"], "key", "8:1"],
  ["the nearest parent of what is not there", ["processes", "threads"], "key", "7:1"],
  ["the section, for a key that is not there", ["runner"], "key", "2:1"],
] as const)("the place of %s is found", (_, path, what, place) => {
  const text =
    "\n[production]\napp_name = blog\n\npackages = a\n    b\nprocesses =  8 memory=1G\nconfig.required = A x\n  SIGNUPS on or off\n";
  const { line, column } = parseIni(text, "app.ini").placeOf(path, what);
  expect(`${line ?? 0}:${column ?? 0}`).toBe(place);
});

test.each([
  ["", "1:1 error [missing-section] the file has no section [production]"],
  ["# nothing\n\n", "1:1 error [missing-section] the file has no section [production]"],
  ["app_name = blog\nrunner = x.py", "1:1 error [key-before-section] this key is before the first section"],
  ["app_name = blog\n[production]\nrunner = x.py", "1:1 error [key-before-section] this key is before the first section"],
  ["[Production]\napp_name = blog", "1:1 error [missing-section] the file has no section [production], but [Production]"],
  ["[app]\napp_name = blog", "1:1 error [missing-section] the file has no section [production], but [app]"],
  ["[a]\nx=1\n[b]\ny=1", "1:1 error [missing-section] the file has no section [production]"],
  ["[production]\nrunner x.py", '2:1 error [bad-line] "runner x.py" is neither a key with a value, nor a section, nor a comment'],
  ["[production]\n = x.py", '2:2 error [bad-line] "= x.py" has a value, but no key'],
  ["[production\napp_name = x", '1:1 error [bad-line] "[production" is not a section'],
  ["[production]\n[other", '2:1 error [bad-line] "[other" is not a section'],
  ["[production]\nrunnr = x.py", '2:1 error [unknown-key] "runnr" is not a key'],
  ["[production]\nrunner = x.py\n  y.py", "3:3 error [one-line] runner takes one line, and this line continues it"],
  ["[production]\nprocesses = 8 16", "2:15 error [bad-words] 16 has no meaning for processes"],
  ["[production]\nprocesses = 8 threads=1 threads=2", "2:25 error [duplicate-key] threads is given twice here"],
  ['[production]\ncheck = / "o k', "2:11 error [bad-words] the quotes that begin here are not closed"],
  ['[production]\ncheck = / "o k"x', "2:11 error [bad-words] text follows directly on the quotes"],
  [
    "[production]\ncron.x = 1 2 3 4 bin/x",
    "2:10 error [bad-words] cron.x needs a time (five fields, or @daily and so on) and a command",
  ],
  ["[production]\nconfig.default =\n  A=1\n  bad line", '4:3 error [bad-words] "bad line" is not of the form NAME=value'],
  ["[production]\nconfig.required = A x\n  A y", "3:3 error [duplicate-key] A is given twice here"],
  ["[production]\nrunner = a\x1b.py", "2:11 error [control-character] there is a control character here: \\x1b"],
  ["[production]\napp_name = a\rb", "2:13 error [control-character] there is a control character here: \\x0d"],
  [
    "[production]\nrunner = a.py\nrunner = b.py",
    "3:1 warning [duplicate-key] runner is given again: this value counts, not the one on line 2",
  ],
  [
    "[production]\n[production]",
    "2:1 warning [repeated-section] [production] is given again: its keys are read as if they were below the first, on line 1",
  ],
  ["[production]\n[development]", "2:1 warning [ignored-text] [development] is not read: only [production] counts"],
  ["[production] x", '1:14 warning [ignored-text] "x" after the section\'s name is ignored'],
  ["[production]\nversion = 1", "2:1 warning [old-key] a version of a single number is of old files and has no effect"],
  ["[production]\ndefault_node = x", "2:1 warning [old-key] default_node is a key of old files and has no effect"],
  ["[production]\ndefault_hostname = x", "2:1 warning [old-key] default_hostname is a key of old files and has no effect"],
  ["[production]\nservice.php =", "2:1 warning [old-key] service.php is a key of old files and has no effect"],
  [
    "[production]\nservice.files = false",
    "2:17 warning [service-on] service.files = false still asks for the service: the key alone is enough, as in 2010",
  ],
  ["[production]\nrunner = %(x)s.py", "2:10 warning [interpolation] %(x)s is kept literally; in 2010 it was replaced by a value"],
  [
    "[production]\nrunner = x.py # y",
    "2:15 warning [comment-in-value] this does not begin a comment here: it is read as part of the value",
  ],
  [
    "[production]\npackages = x\n  ;y",
    "3:3 warning [comment-in-value] this does not begin a comment here: it is read as part of the value",
  ],
  [
    "[production]\npackages = x\n  version = 2",
    "3:3 warning [swallowed-key] this line is indented: it continues the value of packages and is not the key version",
  ],
])("%j is told as one issue: %s", (text, issue) => {
  expect(issuesOf(text)).toEqual([issue]);
});

test.each([
  ["name", "app_name"],
  ["app-name", "app_name"],
  ["services.db", "service.db"],
  ["servce.db", "service.db"],
  ["workers.mail", "worker.mail"],
  ["Config.Requird", "config.required"],
  ["default_locations", "default_location"],
])("the unknown key %s makes it ask for %s", (key, meant) => {
  expect(parseIni(`[production]\n${key} = x`, "app.ini").issues.map(({ fix }) => fix)).toEqual([`did you mean ${meant}?`]);
});

test("keys of [DEFAULT] stand in for those that [production] does not have", () => {
  expect(treeOf("[DEFAULT]\nrunner = a.py\nversion = 1.0.0\n[production]\nrunner = b.py\napp_name = x")).toEqual({
    runner: "b.py",
    version: "1.0.0",
    name: "x",
  });
});

test("a byte order mark, CRLF, capitals and percent signs do no harm", () => {
  expect(
    parseIni(
      '\u{feff}[production]\r\nApp_Name = blog\r\nPACKAGES = a\r\n  b\r\ndefault_location = ""\r\nrunner = %%X%%.py\r\n',
      "app.ini",
    ),
  ).toMatchObject({
    tree: { name: "blog", packages: ["a", "b"], runner: "%%X%%.py" },
    issues: [],
  });
});

test("a file of 2010 in Latin-1 is read as one, and one in UTF-8 as that", () => {
  const text = "[production]\nconfig.default = NAME=Café\n";
  for (const encoding of ["latin1", "utf8"] as const) {
    const tree = treeOf(decodeManifest(Buffer.from(text, encoding)));
    expect(tree).toEqual({ config: { default: { NAME: "Café" } } });
  }
});

test("a blank value is as if the key were not there, and its place is still known", () => {
  const source = parseIni("[production]\nrunner =\ncheck =\n", "app.ini");
  expect(source).toMatchObject({ tree: {}, issues: [] });
  expect(source.placeOf(["runner"], "key")).toEqual({ file: "app.ini", line: 2, column: 1 });
});

test("names from JavaScript's own objects are names like any other", () => {
  const tree = treeOf("[production]\nservice.__proto__ = redis\nservice.constructor =\nconfig.default = __proto__=1\n") as Record<
    string,
    Record<string, unknown>
  >;
  expect(Object.entries(tree.services ?? {})).toEqual([
    ["__proto__", { type: "redis" }],
    ["constructor", {}],
  ]);
  expect(issuesOf("[production]\n__proto__ = 1\nconstructor = 1\nconstructor.x = 1")).toHaveLength(3);
});

test("indenting a whole section changes nothing but the columns: Python 3 and people read it so", () => {
  const key = fc.constantFrom(
    "app_name = a",
    "packages = a\n  b\n  # c",
    "# comment",
    "; comment",
    "check = /x\n\n  200",
    "version: 1.0.0 ; x",
  );
  fc.assert(
    fc.property(fc.array(key), fc.constantFrom(" ", "\t", "    "), (keys, indent) => {
      const lines = keys.join("\n").split("\n");
      const indented = lines.map((line) => indent + line).join("\n");
      expect(treeOf(`[production]\n${indented}`)).toEqual(treeOf(`[production]\n${lines.join("\n")}`));
    }),
  );
});

test("a file of nothing but mistakes tells the first of them and how many more there are", () => {
  const issues = issuesOf(`[production]\n${"nonsense\n".repeat(1000)}`);
  expect(issues).toHaveLength(51);
  expect(issues.at(-1)).toMatch(/\[bad-line\] 950 more lines are neither/);
  expect(issuesOf(`[production]\n${Array.from({ length: 1000 }, (_, index) => `bad${index} = 1\n`).join("")}`)).toHaveLength(50);
});

/** A manifest is refused unread when it is longer (parseManifest). */
const longest = 32 * 1024;
test.each([
  ["short keys", "a=1\n"],
  ["one key again and again", "runner = a.py\n"],
  ["services", "service.a = redis\n"],
  ["long lists", "  a\n"],
  ["blank lines", "\n"],
  ["a line of blanks", " "],
  ["a line of quotes", '"'],
  ["a line of backslashes", '"\\'],
  ["options", " a=1"],
  ["brackets", "["],
  ["semicolons", " ;"],
  ["percent signs", "%("],
  ["half a comment", " #"],
  ["sections", "[a]\n"],
  ["carriage returns", "\r"],
  ["zeros", "\0"],
])("a long file of %s is read within 50 ms", (_, part) => {
  for (const head of [
    "[production]\n",
    "[production]\ncheck = ",
    "[production]\nconfig.required = x\n",
    "[production]\npackages = x\n ",
    "",
  ]) {
    const text = head + part.repeat(Math.ceil(longest / part.length));
    parseIni(text, "app.ini"); // so that the compiler has seen the path
    const start = process.cpuUsage();
    const source = parseIni(text, "app.ini");
    // Processor time: other tests run beside this one.
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(50);
    expect(source.issues.length).toBeLessThan(250);
  }
});

import fc from "fast-check";
import { stringify } from "yaml";

// Manifests for property tests and the fuzz script: from those that mean something to those that only look like it.

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);

/** A text as people write it, or one that a reader or writer could stumble over. */
export const value: fc.Arbitrary<string> = fc.oneof(
  oneOf(
    "blog",
    "src/wsgi.py",
    "1.5.0",
    "1.10",
    "20261121_001",
    "blog.acme.net",
    "*",
    "30s",
    "400M",
    "8",
    "08",
    "1e3",
    "0x1f",
    ".5",
    "-1",
  ),
  oneOf(
    "on",
    "off",
    "yes",
    "no",
    "true",
    "false",
    "null",
    "~",
    "y",
    "N",
    "2026-11-21",
    "12:30:45",
    "",
    " ",
    "  x ",
    "a b",
    "a  b",
    "a\tb",
  ),
  oneOf(
    "#",
    "# x",
    "a # b",
    ";",
    "a ;b",
    "a;b",
    '"',
    '""',
    '"a"',
    'a "b" c',
    "'",
    "\\",
    '\\"',
    "a\\nb",
    "=",
    "a=b",
    "a = b",
    ":",
    "a: b",
    "a:",
    "- x",
  ),
  oneOf(
    "[a]",
    "{a: b}",
    "&a",
    "*a",
    "!a",
    "|",
    ">",
    "%x",
    "@daily",
    "`",
    "?",
    "? x",
    "---",
    "...",
    "rem",
    "rem x",
    "[production]",
    "a\nb",
    "\n",
    "a\r\nb",
  ),
  oneOf(
    "é",
    "ß ü",
    "\u00a0",
    "\u0085",
    "\u2028",
    "\ufeff",
    "𝒳",
    "日本",
    "%(here)s",
    "%%X%%",
    "__proto__",
    "constructor",
    "http://a/?b=c#d",
  ),
  fc.string({ maxLength: 12 }),
  fc.string({ maxLength: 12, unit: "binary" }),
);

const name = fc.oneof(
  { weight: 4, arbitrary: oneOf("db", "cache", "a-b", "digest", "postgres", "files") },
  { weight: 1, arbitrary: value },
);
const variable = fc.oneof({ weight: 4, arbitrary: oneOf("A", "SIGNUPS", "ON", "T", "X_1") }, { weight: 1, arbitrary: value });
const option = fc.oneof(
  { weight: 3, arbitrary: oneOf("30s", "8", "400M", "a b", 'a "b"', "x=y", "skip") },
  { weight: 1, arbitrary: value },
);
const number = fc.oneof(fc.nat(300), option);
const list = fc.array(value, { maxLength: 3 });
const some = (keys: Record<string, fc.Arbitrary<unknown>>) => fc.record(keys, { requiredKeys: [] });
const named = (each: fc.Arbitrary<unknown>) => fc.dictionary(name, each, { maxKeys: 3 });

/** A tree with the keys of a manifest; the values are often nonsense. */
export const manifestTree: fc.Arbitrary<Record<string, unknown>> = some({
  name: value,
  version: value,
  platform: value,
  runner: value,
  php_root: value,
  default_location: value,
  packages: list,
  debs: list,
  package_install_script: list,
  after_install_script: list,
  services: named(some({ type: option, quota: option, memory: option })),
  config: some({
    required: fc.oneof(fc.boolean(), fc.dictionary(variable, value, { maxKeys: 4 })),
    default: fc.oneof(value, fc.dictionary(variable, value, { maxKeys: 4 })),
    template: value,
    checker: value,
  }),
  check: some({ path: fc.oneof(oneOf("/", "/health"), option), status: number, body: option, within: option, watch: option }),
  test: value,
  update_fetch: list,
  migrate: some({ run: option, timeout: option, mode: option, max_pause: option }),
  compatible_with_previous: fc.oneof(fc.boolean(), value),
  keep_data: value,
  cron: named(some({ at: fc.oneof(oneOf("15 3 * * *", "@daily"), option), run: option, overlap: option, timeout: option })),
  workers: named(some({ run: option, count: number, stop: option })),
  processes: some({ count: number, threads: number, memory: option, requests: number }),
  slow: some({ paths: list, processes: number, timeout: option }),
  timeouts: some({ request: option, start: option, drain: option }),
  limits: some({ body: option }),
  cache: some({ default: option, paths: fc.dictionary(oneOf("/", "/feed", "/a b"), option), ignore_cookies: list }),
  static: some({ forever: list, max_age: option, headers: fc.dictionary(oneOf("X-A", "X-B", "a:b"), option) }),
});

/** A tree that the schema takes. */
export const validTree: fc.Arbitrary<Record<string, unknown>> = fc
  .record({
    name: oneOf("blog", "a", "my-blog"),
    runner: oneOf("src/wsgi.py", "main.py"),
    rest: some({
      version: oneOf("1.5.0", "2.0.0-rc.1", "20261121_001"),
      platform: fc.constant("python"),
      default_location: oneOf("*", "blog.acme.net", ".acme.net/x"),
      packages: fc.uniqueArray(oneOf("git", "libjpeg62-turbo", "g++"), { maxLength: 3 }),
      config: some({
        required: fc.dictionary(oneOf("A", "SIGNUPS", "ON", "T"), fc.string({ maxLength: 20 }).map(withoutControls)),
        default: fc.dictionary(
          oneOf("A", "SIGNUPS", "ON"),
          value.map((text) => withoutControls(text.replaceAll("\n", "%")).replaceAll("%", "\n")),
        ),
      }),
      check: some({
        path: oneOf("/", "/health?a=b"),
        status: fc.integer({ min: 200, max: 599 }),
        body: oneOf("ok", "on", "a ;b", 'say "x"', "200"),
        within: fc.constant("5s"),
      }),
      processes: some({
        count: fc.integer({ min: 1, max: 256 }),
        threads: oneOf<unknown>(1, "2"),
        memory: oneOf("400M", "1G"),
        requests: fc.constant(100),
      }),
      timeouts: some({ request: oneOf("10s", "1m"), start: fc.constant("30s"), drain: fc.constant("60s") }),
      limits: some({ body: oneOf("64M", "1G", "8K") }),
    }),
  })
  .map(({ rest, ...keys }) => ({ ...keys, ...rest }));

function withoutControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, "");
}

/** A YAML text for a tree: quoted where need be, in block or flow form, with comments and blank lines. */
export function yamlText(tree: fc.Arbitrary<unknown>): fc.Arbitrary<string> {
  return fc
    .tuple(tree, oneOf<"any" | "flow" | "block">("any", "flow", "block"), fc.array(comment))
    .map(([each, collectionStyle, comments]) => {
      const text = stringify(each, {
        version: "1.1",
        collectionStyle,
        lineWidth: 0,
        doubleQuotedMinMultiLineLength: Infinity,
        defaultStringType: "QUOTE_DOUBLE",
        defaultKeyType: "QUOTE_DOUBLE",
      });
      const lines = text.split("\n");
      return lines.map((line, index) => (comments[index] ?? "") + line).join("\n");
    });
}

const comment = oneOf("", "", "", "\n", "# note\n", "   # deep\n\n", "#\n", "# a\n# b ;c\n\n#d\n");

const remark = oneOf("", "", "", "\n", "# note\n", "; semi\n", "rem dos\n", "#\n\n");
const blank = oneOf("", "", " ", "  ", "\t");
const key = oneOf(
  "app_name",
  "VERSION",
  "platform",
  "runner",
  "php_root",
  "default_location",
  "packages",
  "update_fetch",
  "package_install_script",
  "service.db",
  "service.Files",
  "service.a-b",
  "config.required",
  "config.default",
  "config.template",
  "config.checker",
  "check",
  "test",
  "migrate",
  "compatible_with_previous",
  "keep_data",
  "cron.digest",
  "worker.mail",
  "processes",
  "slow",
  "timeouts",
  "limits",
  "cache",
  "cache.paths",
  "cache.ignore_cookies",
  "static",
  "static.forever",
  "static.headers",
  "default_host",
);
const iniValue = fc.oneof(
  { weight: 3, arbitrary: value.map((text) => text.replaceAll("\n", " ")) },
  {
    weight: 3,
    arbitrary: oneOf(
      '/health 200 "ok" within=30s',
      "15 3 * * * bin/x a=b c overlap=skip",
      "bin/x timeout=1h",
      "redis memory=64M",
      "/a 5m",
      "X-A: b",
      "A=1",
      "A text; more",
      "x y=z",
      "true",
    ),
  },
);
const iniEntry = fc
  .tuple(
    remark,
    key,
    blank,
    oneOf("=", ":"),
    blank,
    iniValue,
    oneOf("", "", " ; note"),
    fc.array(fc.tuple(oneOf("  ", "\t"), iniValue), { maxLength: 3 }),
  )
  .map(
    ([before, name, space, delimiter, gap, text, note, more]) =>
      `${before}${name}${space}${delimiter}${gap}${text}${note}\n${more.flat().join("")}${more.length > 0 ? "\n" : ""}`,
  );

/** An app.ini with keys that exist, and values that may be wrong. */
export const iniText: fc.Arbitrary<string> = fc
  .tuple(remark, fc.array(iniEntry, { maxLength: 8 }), remark, oneOf("", "", "[devel]\nx = 1\n"))
  .map(([head, entries, tail, other]) => `${head}[production]\n${entries.join("")}${tail}${other}`);

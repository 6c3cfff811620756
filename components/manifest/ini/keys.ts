import { commandAndOptions, lines, listAndOptions, options, pairs, single, timedCommand, type IniForm } from "./forms.ts";
import { defaultConfig, requiredConfig, service, tidyLocation } from "./special-forms.ts";
import { tidyPath } from "../../text/schema/paths.ts";
import type { Path } from "../../text/source.ts";
import { quotePath } from "../../text/quote.ts";
import { suggest } from "../../text/suggest.ts";
import { isMap } from "../../text/value.ts";

/** Every key of app.ini but the families below → the form of its value. */
const forms: Record<string, IniForm> = {
  app_name: single(["name"]),
  version: single(["version"]),
  platform: single(["platform"]),
  runner: single(["runner"], tidyPath),
  php_root: single(["php_root"], tidyPath),
  default_location: single(["default_location"], tidyLocation),
  update_fetch: lines(["update_fetch"]),
  packages: lines(["packages"]),
  debs: lines(["debs"]),
  package_install_script: lines(["package_install_script"], tidyPath),
  after_install_script: lines(["after_install_script"], tidyPath),
  "config.required": requiredConfig(["config", "required"]),
  "config.default": defaultConfig(["config", "default"]),
  "config.template": single(["config", "template"], tidyPath),
  "config.checker": single(["config", "checker"], tidyPath),
  check: options(
    ["check"],
    [
      { key: "path", fits: (word) => !word.quoted && word.text.startsWith("/") },
      { key: "status", fits: (word) => !word.quoted && /^[0-9]+$/.test(word.text) },
      { key: "body", fits: (word) => word.quoted, quoted: true },
    ],
    'check = /health 200 "ok" within=30s',
  ),
  test: single(["test"]),
  migrate: commandAndOptions(["migrate"]),
  compatible_with_previous: single(["compatible_with_previous"]),
  keep_data: single(["keep_data"]),
  processes: options(
    ["processes"],
    [{ key: "count", fits: (word) => !word.quoted }],
    "processes = 8 threads=1 memory=400M requests=5000",
  ),
  slow: listAndOptions(["slow"], "paths"),
  timeouts: options(["timeouts"], [], "timeouts = request=10s start=30s drain=60s"),
  limits: options(["limits"], [], "limits = body=64M"),
  cache: options(["cache"], [], "cache = default=0s"),
  "cache.paths": pairs(["cache", "paths"], {
    shape: "/path 5m",
    pattern: /^([^ \t]+)[ \t]+([^]*)$/,
    join: (path, duration) => `${path} ${duration}`,
  }),
  "cache.ignore_cookies": lines(["cache", "ignore_cookies"]),
  static: options(["static"], [], "static = max_age=1h"),
  "static.forever": lines(["static", "forever"]),
  "static.headers": pairs(["static", "headers"], {
    shape: "Name: value",
    pattern: /^([^ \t:]+)[ \t]*:[ \t]*([^]*)$/,
    join: (name, value) => `${name}: ${value}`,
  }),
};

/** Keys that end in a name chosen by the app team: prefix → key of the tree, and form. */
const families: Record<string, { map: string; form: (path: [string, string]) => IniForm }> = {
  service: { map: "services", form: service },
  cron: { map: "cron", form: timedCommand },
  worker: { map: "workers", form: commandAndOptions },
};

/** Obsolete keys of old files → what to do with them. */
const oldKeys: Record<string, string> = {
  default_host: "rename it to default_location",
  default_hostname: "rename it to default_location",
  default_node: "delete it; the environment says on which nodes a site runs",
  "service.php": "delete it; a runner that ends in .php is enough",
};

/** The form of a key's value; undefined when app.ini has no such key. */
export function formOf(key: string): IniForm | undefined {
  if (Object.hasOwn(forms, key)) return forms[key];
  const [prefix, name] = splitFamily(key);
  const family = Object.hasOwn(families, prefix) ? families[prefix] : undefined;
  return family && name !== "" ? family.form([family.map, name]) : undefined;
}

/** What to do with a key of old files; undefined for any other. */
export function oldKeyFix(key: string): string | undefined {
  return Object.hasOwn(oldKeys, key) ? oldKeys[key] : undefined;
}

/** The key that was probably meant by an unknown one. */
export function suggestKey(key: string): string | undefined {
  if (key === "name") return "app_name";
  const [prefix, name] = splitFamily(key);
  const family = name === "" ? undefined : familyLike(prefix);
  return family === undefined
    ? suggest(key, [...Object.keys(forms), ...Object.keys(families).map((each) => `${each}.`)])
    : `${family}.${name}`;
}

function familyLike(prefix: string): string | undefined {
  return Object.entries(families).find(([, { map }]) => map === prefix)?.[0] ?? suggest(prefix, Object.keys(families));
}

/** A part of a tree, with its key in app.ini; without a key when there is none. */
export interface IniPart {
  path: Path;
  part: unknown;
  as?: { key: string; form: IniForm };
}

/** Splits a tree into the parts of app.ini's keys, in the tree's order. */
export function iniPartsOf(tree: Record<string, unknown>): IniPart[] {
  return Object.entries(tree).flatMap(([name, part]) => {
    const family = Object.entries(families).find(([, { map }]) => map === name);
    if (family && isMap(part)) {
      const [prefix, { form }] = family;
      return Object.entries(part).map(([key, value]) => ({
        path: [name, key],
        part: value,
        as: { key: `${prefix}.${key}`, form: form([name, key]) },
      }));
    }
    return partsOfKey(name, part);
  });
}

/** Parts of a key with forms for keys below it, such as `config.required`; the rest is left to the key itself. */
function partsOfKey(name: string, part: unknown): IniPart[] {
  const below = formsAt((path) => path.length === 2 && path[0] === name);
  const own = formsAt((path) => path.length === 1 && path[0] === name)[0];
  if (!isMap(part) || below.length === 0) return [{ path: [name], part, ...(own ? { as: own } : {}) }];
  const keys = Object.keys(part);
  const isBelow = (key: string) => below.some(({ form }) => form.path[1] === key);
  const rest = keys.filter((key) => !isBelow(key));
  const ownParts: IniPart[] = own
    ? [{ path: [name], part: Object.fromEntries(rest.map((key) => [key, part[key]])), as: own }]
    : rest.map((key) => ({ path: [name, key], part: part[key] }));
  const partsBelow = below
    .filter(({ form }) => keys.includes(form.path[1] ?? ""))
    .map((as): IniPart => ({ path: as.form.path, part: part[as.form.path[1] ?? ""], as }));
  return [...(own && rest.length === 0 ? [] : ownParts), ...partsBelow];
}

function formsAt(isThere: (path: Path) => boolean): { key: string; form: IniForm }[] {
  return Object.entries(forms)
    .filter(([, { path }]) => isThere(path))
    .map(([key, form]) => ({ key, form }));
}

/** The key at a path of the tree, as in app.ini. */
export function iniNameOf(path: Path): string {
  const [head, ...rest] = path;
  if (head === "name") return "app_name";
  const family = rest.length > 0 ? Object.entries(families).find(([, { map }]) => map === head)?.[0] : undefined;
  return quotePath(family === undefined ? path : [family, ...rest]);
}

function splitFamily(key: string): [prefix: string, name: string] {
  const dot = key.indexOf(".");
  return dot < 0 ? [key, ""] : [key.slice(0, dot), key.slice(dot + 1)];
}

import { z } from "zod";
import { built, builtWords } from "./built.ts";
import { cronTime } from "./cron-time.ts";
import { isMap } from "../text/value.ts";
import { choice, either, fieldRules, list, map, text, toggle } from "../text/schema/fields.ts";
import { idlePlatforms, platformKeys, platformNames, runningKeys } from "../platforms/registry.ts";
import { command, packageName, runner, urlPath, version } from "./app-fields.ts";
import { line, location, name } from "../text/schema/names.ts";
import { debPath, path } from "../text/schema/paths.ts";
import { count, duration, size } from "../text/schema/quantities.ts";
import { config } from "./schema-config.ts";
import { services } from "./schema-services.ts";

const checkKeys = built("check.", {
  path: urlPath()
    .exactOptional()
    .describe("Path that a new release must answer before it gets visitors, below each of the site's locations. Default: /."),
  status: count(200, 599)
    .exactOptional()
    .describe(
      "Status that the answer must have. Default: 200 where path or body is given, else any that the app itself gives below 500.",
    ),
  body: line(1, "ok").exactOptional().describe("Text that the body must contain. Default: any body will do."),
  https: toggle()
    .exactOptional()
    .describe(
      "true: it is asked as by a proxy that terminates TLS, with X-Forwarded-Proto: https, for an app that redirects http. Default: false.",
    ),
  within: duration("1s", "1h").prefault("30s").describe("Time in which a new release must pass, counted from its start."),
  watch: duration("0s", "1h")
    .exactOptional()
    .describe("Time for which the release is asked again after the cut-over. Default: 20s."),
}).transform(({ path, status, https, within: withinSeconds, watch, ...rest }) => ({
  ...rest,
  ...(https === true ? { https } : {}),
  path: path ?? "/",
  // An answer is declared by its path or body, too: then a redirect or an error page is not it.
  ...(status === undefined && path === undefined && rest.body === undefined ? {} : { status: status ?? 200 }),
  withinSeconds,
  ...(watch === undefined ? {} : { watchSeconds: watch }),
}));

const checkPath = urlPath();

/** A path alone stands for a check of that path, as in app.ini. */
const check = either([checkKeys, checkPath.transform((path): z.input<typeof checkKeys> => ({ path })).pipe(checkKeys)], {
  code: "wrong-type",
  must: "a path, or a map of path, status, body, https and within",
  example: "{path: /health}",
  explain: (value) => {
    if (typeof value !== "string") return undefined;
    const [path = "", ...rest] = value.split(/[ \t]+/);
    if (!path.startsWith("/") || rest.length === 0) return fieldRules.get(checkPath)?.explain?.(value);
    const keys = rest.map((word) => (/^[0-9]+$/.test(word) ? `status: ${word}` : word.replace("=", ": ")));
    return { fix: `write {${[`path: ${path}`, ...keys].join(", ")}}` };
  },
}).describe("What a release must answer before it gets visitors, asked over HTTP. A path alone stands for that path.");

const processes = built("processes.", {
  count: count(1, 256, 8)
    .prefault(8)
    .describe(
      "Daemon processes that each node runs for the site. A wedged request costs one of them until its timeout: have more than that.",
    ),
  threads: count(1, 64)
    .prefault(1)
    .describe("Requests that a process serves at once. With more than 1, a crash or a wedge takes its neighbours with it."),
  memory: size("32M", "64G").prefault("400M").describe("Memory that a process may allocate; near its limit it is replaced."),
  requests: count(1, 1_000_000)
    .prefault(5000)
    .describe(
      "Requests after which a process is due to be replaced by a fresh one. Python's are replaced one after another, each once a fresh one has loaded the app: one that waits for its turn serves more, and the first ones of a release are due earlier.",
    ),
})
  .transform(({ memory: memoryBytes, ...rest }) => ({ ...rest, memoryBytes }))
  .describe("The processes that serve the site, on each of its nodes.");

const limits = built("limits.", {
  body: size("1K", "1G")
    .prefault("64M")
    .describe("Largest body of a request, an upload with its form; a larger one is answered 413 before the app is asked."),
})
  .transform(({ body: bodyBytes }) => ({ bodyBytes }))
  .describe("The most that a request may bring.");

const timeouts = built("timeouts.", {
  request: duration("1s", "1h").prefault("10s").describe("Time that a request may take before its process is replaced."),
  start: duration("1s", "10m").prefault("30s").describe("Time that the runner may take to load."),
  drain: duration("1s", "1h").prefault("1m").describe("Longest time that the previous release gets to finish what it began."),
})
  .transform((raw) => ({ requestSeconds: raw.request, startSeconds: raw.start, drainSeconds: raw.drain }))
  .describe("Longest times.");

const migrate = built("migrate.", {
  run: command().describe("Program that migrates the data, once for all nodes, before the cut-over."),
  timeout: duration("1s", "1d").prefault("10m").describe("Time after which it counts as failed."),
  mode: choice(["copy", "online"])
    .default("copy")
    .describe(
      "copy: on a copy of the data, with writes held meanwhile. online: on the live data, because the old release works with the new form, too.",
    ),
  max_pause: duration("1s", "1h")
    .prefault("1m")
    .describe("Longest time that writes may be held; a rollout that would take longer is refused."),
})
  .transform(({ timeout: timeoutSeconds, max_pause: maxPauseSeconds, ...rest }) => ({ ...rest, timeoutSeconds, maxPauseSeconds }))
  .describe("How the release changes the data.");

const job = built("cron.", {
  at: cronTime().describe(
    "When: five fields as in crontab(5), or @hourly, @daily, @weekly, @monthly, @yearly; in the time zone that the site's config has as TZ, else in UTC.",
  ),
  run: command("bin/digest").describe("Program of the app, with its arguments."),
  overlap: choice(["skip", "allow"])
    .default("skip")
    .describe("What happens when it is time and the last run has not ended: that start is skipped, or both run."),
  timeout: duration("1s", "1d").prefault("1h").describe("Time after which a run is ended."),
  memory: size("32M", "64G", "200M")
    .exactOptional()
    .describe("Memory that a run may take with all it starts. Default: processes.memory."),
})
  .transform(({ timeout: timeoutSeconds, memory, ...rest }) => ({
    ...rest,
    timeoutSeconds,
    ...(memory === undefined ? {} : { memoryBytes: memory }),
  }))
  .describe("One job.");

const worker = built("workers.", {
  run: command("bin/mailer").describe(
    "Program of the app that runs all the time, in the foreground: one that ends is started again.",
  ),
  count: count(1, 64).prefault(1).describe("How many of it."),
  stop: duration("1s", "1h").prefault("1m").describe("Time it gets after SIGTERM to finish what it began; then it is killed."),
  memory: size("32M", "64G", "200M")
    .exactOptional()
    .describe("Memory that each may take with all it starts. Default: processes.memory."),
})
  .transform(({ stop: stopSeconds, memory, ...rest }) => ({
    ...rest,
    stopSeconds,
    ...(memory === undefined ? {} : { memoryBytes: memory }),
  }))
  .describe("One kind of worker.");

const slow = built("slow.", {
  paths: list(urlPath(), "a list of paths", "[/export]", 1).describe("Paths below which requests take long."),
  processes: count(1, 64)
    .prefault(2)
    .describe("Processes of their own, so that slow and quick requests never wait for each other."),
  timeout: duration("1s", "1d").prefault("10m").describe("Time that such a request may take."),
})
  .transform(({ timeout: timeoutSeconds, ...rest }) => ({ ...rest, timeoutSeconds }))
  .describe("Requests that take long, in a pool of their own.");

const cache = built("cache.", {
  default: duration("0s", "365d").prefault("0s").describe("Time for which an answer without Cache-Control is cached."),
  paths: map(urlPath(), duration("0s", "365d"), "a map: path → duration", "{/feed: 5m}")
    .default({})
    .describe("The same for what is below a path."),
  ignore_cookies: list(
    text(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/, { code: "bad-text", must: "the name of a cookie", example: "_ga" }),
    "a list of cookie names",
    "[_ga]",
  )
    .default([])
    .describe("Cookies that the app ignores: requests without others are answered from the cache."),
})
  .transform((raw) => ({ defaultSeconds: raw.default, pathSeconds: raw.paths, ignoreCookies: raw.ignore_cookies }))
  .describe("What Varnish caches.");

const header = text(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, {
  code: "bad-text",
  must: "the name of a header",
  example: "X-Frame-Options",
});

const statics = built("static.", {
  forever: list(
    text(/^(?:(?!\.{1,2}\/)[A-Za-z0-9_.+-]+\/)+$/, {
      code: "bad-path",
      must: "a directory below static/, with a slash at its end",
      example: "assets/",
    }),
    "a list of directories",
    "[assets/]",
  )
    .default([])
    .describe("Directories below static/ whose files never change under one name: browsers keep them for a year."),
  max_age: duration("0s", "365d").prefault("1h").describe("Time that browsers keep the other files."),
  headers: map(header, line(1, "DENY"), "a map: header → value", "{X-Frame-Options: DENY}")
    .default({})
    .describe("Headers that go with every file."),
})
  .transform(({ max_age: maxAgeSeconds, ...rest }) => ({ ...rest, maxAgeSeconds }))
  .describe("How the files in static/ are served.");

const jobs = <T extends z.ZodType>(one: T, what: string, example: string) => map(name(), one, `a map: name → ${what}`, example);
const paths = () => list(path("the app's directory"), "a list of scripts", "[bin/setup]");

/** The schema of app.yaml and app.ini: it validates the tree that both readers produce. Its keys are in the order of the reference. */
export const manifestSchema = built("", {
  name: name().describe("Name of the app."),
  version: version()
    .exactOptional()
    .describe("Semver without build metadata, or a timestamp. Default: none; releases differ by their content alone."),
  platform: choice(builtWords("platform", platformNames))
    .exactOptional()
    .describe(
      "What serves the app; static: the files in static/, and nothing runs. Default: php where the runner ends in .php or there is a php_root, else python.",
    ),
  runner: runner()
    .exactOptional()
    .describe(
      "For Python the WSGI file, which defines `application`; FILE.py#object, where that is another; or FILE.ini#name, a file of Paste Deploy and its application (default: main). For PHP the file that runs for every request that no file answers. Must be given, unless there is a php_root or the platform is static.",
    ),
  ...platformKeys,
  default_location: location()
    .exactOptional()
    .describe(
      "Where the site answers when the environment gives it no locations: host[/path], .example.com[/path] or *[/path]. Default: none.",
    ),
  packages: list(packageName(), "a list of Debian packages", "[libjpeg62-turbo]")
    .default([])
    .describe("Debian packages that the app needs on its nodes."),
  debs: list(debPath(), "a list of .deb files of the app", "[vendor/libfoo_1.2_amd64.deb]")
    .default([])
    .describe(
      "Debian packages that the app ships itself, as files. Root runs what is in them, so the environment must allow it for the site (apt.debs).",
    ),
  package_install_script: paths()
    .exactOptional()
    .describe("Scripts of the app that root runs before the packages are installed."),
  after_install_script: paths().exactOptional().describe("Scripts of the app that root runs after the packages are installed."),
  services: services.exactOptional(),
  config: config.prefault({}),
  check: check.prefault({}),
  test: command().exactOptional().describe("Program of the app that tests the release before it goes live."),
  update_fetch: list(line(1), "a list of paths and script:PROGRAM", "[/update]")
    .exactOptional()
    .describe("What is requested (a path) or run (script:PROGRAM) before the cut-over; each must succeed."),
  migrate: migrate.exactOptional(),
  compatible_with_previous: toggle()
    .exactOptional()
    .describe("true: the previous release works with the migrated data, so that a failing watch may roll back to it."),
  keep_data: duration("0s", "365d")
    .exactOptional()
    .describe("Time for which the data from before a migration is kept. Default: 72h."),
  cron: jobs(job, "job", "{digest: {}}")
    .exactOptional()
    .describe("Programs that run at their time, on the first of the site's nodes."),
  workers: jobs(worker, "worker", "{mail: {}}")
    .exactOptional()
    .describe("Programs that run all the time beside the web processes, on the first of the site's nodes."),
  processes: processes.prefault({}),
  slow: slow.exactOptional(),
  timeouts: timeouts.prefault({}),
  limits: limits.prefault({}),
  cache: cache.exactOptional(),
  static: statics.exactOptional(),
})
  .check(
    z.refine(hasRunner, {
      path: ["runner"],
      // Another invalid key must not hide that this one is missing.
      when: () => true,
    }),
  )
  .meta({
    description: "What an app needs: app.yaml, or the same as app.ini.",
    anyOf: [
      ...runningKeys.map((key) => ({ required: [key], properties: { [key]: {} } })),
      ...idlePlatforms.map((platform) => ({ required: ["platform"], properties: { platform: { const: platform } } })),
    ],
  });

/** Whether a tree has what its platform runs; the field itself reports a malformed value. */
function hasRunner(tree: unknown): boolean {
  return !isMap(tree) || runningKeys.some((key) => key in tree) || idlePlatforms.some((platform) => platform === tree.platform);
}

/** A manifest as the schema yields it: defaults filled in, durations in seconds, sizes in bytes. */
export type ManifestTree = z.output<typeof manifestSchema>;

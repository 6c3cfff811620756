import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../components/render/canonical-json.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { apacheString, regexLiteral, systemdString, vclString } from "../../components/text/literals.ts";
import { renderRelease } from "../../components/render/release.ts";
import { placeholders, runPlaceholder } from "../../components/render/rendered.ts";
import { planned, plannedSite } from "../support/plan-of.ts";

const file = (manifest: string, path: string, site?: string): string => {
  const found = renderRelease(plannedSite(manifest, site)).files.find((rendered) => rendered.path === path);
  if (found === undefined) throw new Error(`no ${path}`);
  return found.content;
};

test("canonical JSON reads back as the same value, and is one text whatever the order of keys", () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, member]) => [key, shuffled(member)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
    }),
  );
});

test("canonical JSON refuses what JSON would change without a word", () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, () => 1, Symbol("x"), [undefined]]) {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  }
  expect(canonicalJson({ a: undefined, b: 1 })).toBe('{"b":1}');
});

// What the parsers of these languages make of a quoted text, in a few lines each.
const readApache = (quoted: string) => /^"((?:[^"\\]|\\[^])*)"$/.exec(quoted)?.[1]?.replace(/\\([^])/g, "$1");
const readSystemd = (quoted: string) =>
  /^"((?:[^"\\%@]|%%|\\[^])*)"$/
    .exec(quoted)?.[1]
    ?.replace(/%%|\\(x40|[^])/g, (all, escaped?: string) => (all === "%%" ? "%" : escaped === "x40" ? "@" : (escaped ?? "")));
const readVcl = (quoted: string) => /^"([^"\n]*)"$/.exec(quoted)?.[1] ?? /^\{"([^]*?)"\}$/.exec(quoted)?.[1];

const line = fc.string({
  unit: fc.oneof(
    fc.constantFrom('"', "\\", "$", "{", "}", "%", "@", "'", "#", "\n", "\t", "\u007f"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
  ),
});

test.each([
  ["Apache", apacheString, readApache],
  ["VCL", vclString, readVcl],
  ["systemd", systemdString, readSystemd],
] as const)("a text written for %s is read back as it was, or refused", (_, write, read) => {
  fc.assert(
    fc.property(line, (text) => {
      let quoted;
      try {
        quoted = write(text);
      } catch {
        expect(text).toMatch(/[\u0000-\u001f\u007f]|\$\{|"\}|"$/); // eslint-disable-line no-control-regex
        return;
      }
      expect(read(quoted)).toBe(text);
    }),
    { numRuns: 500 },
  );
});

test("a literal within a regular expression matches itself alone", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~]{1,12}$/), fc.stringMatching(/^[ -~]{1,12}$/), (text, other) => {
      const pattern = new RegExp(`^(?:${regexLiteral(text)})$`);
      expect(pattern.test(text)).toBe(true);
      expect(pattern.test(other)).toBe(text === other);
    }),
    { numRuns: 500 },
  );
});

test("a release's id follows its content: equal plans, equal ids; another value, file, secret version or bundle, another id", () => {
  const id = (manifest: string, site?: string) => renderRelease(plannedSite(manifest, site)).id;
  const config = 'config: {default: {A: "1"}, required: {K: ""}}\n';
  const site = (k: number, a: string) => `locations: ["*"], config: {A: "${a}", K: {secret: ${k}}}`;
  const first = id(config, site(1, "x"));
  expect(first).toMatch(/^1\.5\.0-3fa2c1d0\.[0-9a-f]{8}$/);
  expect(id(config, site(1, "x"))).toBe(first);
  const others = [
    id(config, site(2, "x")),
    id(config, site(1, "y")),
    id(`${config}processes: {count: 9}\n`, site(1, "x")),
    id(`${config}packages: [git]\n`, site(1, "x")),
  ];
  expect(new Set([first, ...others]).size).toBe(5);
});

test("what the environment keeps or how long it waits after a flip makes no new release", () => {
  const site = plannedSite();
  expect(renderRelease({ ...site, retain: 9, graceSeconds: 1, nodes: ["web2"] }).id).toBe(renderRelease(site).id);
});

test("a release's files hold no value of a variable, and no placeholder the agent does not know", () => {
  const { files } = renderRelease(plannedSite('config: {default: {TOKEN: "very @ROOT@ telling"}}\n'));
  for (const { content, path } of files) {
    expect(content).not.toContain("telling");
    const known = [...placeholders, ...(path === "conf/run.service" ? [runPlaceholder] : [])];
    const left = known.reduce<string>((text, placeholder) => text.replaceAll(placeholder, ""), content);
    expect(left.match(/@[A-Z]+@/g), path).toBeNull();
  }
});

test("a runner may name its object, and no @ in its name begins a placeholder", () => {
  const site = { ...plannedSite(), runner: "src/@ROOT@.py#app" };
  const json = renderRelease(site).files.find(({ path }) => path === "conf/site.json")?.content ?? "";
  expect(json).not.toContain("@ROOT@");
  expect(JSON.parse(json)).toMatchObject({ site: "blog", release: "@RELEASE@", runner: "src/@ROOT@.py", object: "app" });
});

test("the daemon processes are what the manifest asks for, within limits that let no request wedge them for ever", () => {
  const keys = "processes: {count: 5, threads: 3, memory: 64M, requests: 77}\ntimeouts: {request: 20s, start: 9s, drain: 40s}\n";
  const conf = file(keys, "conf/apache.conf");
  expect(JSON.parse(file(keys, "conf/site.json"))).toMatchObject({ processes: 5, requests: 77 });
  for (const option of [
    // One more, which waits without the app.
    "processes=6",
    "threads=3",
    "memory-limit=67108864",
    "request-timeout=20",
    "startup-timeout=9",
    "deadlock-timeout=10",
    "shutdown-timeout=2",
  ]) {
    expect(conf).toContain(`  ${option} \\\n`);
  }
  expect(conf).toContain("\nGracefulShutdownTimeout 40\n");
  expect(file("timeouts: {drain: 40s}\n", "conf/web.service")).toContain("\nTimeoutStopSec=55\n");
});

test("Varnish waits longer for an answer than the release takes to give one up", () => {
  expect(file("timeouts: {request: 20s}\n", "conf/site.vcl")).toContain(".first_byte_timeout = 42s;");
  expect(file("timeouts: {request: 20s}\n", "conf/site.vcl")).toContain(".between_bytes_timeout = 42s;");
});

test("what Varnish takes, a release's /tmp and PHP's own limits follow the largest body", () => {
  const [hundred, least] = [100 * 1024 ** 2, 256 * 1024 ** 2];
  const vcl = file("limits: {body: 100M}\n", "conf/site.vcl");
  expect(vcl.match(/> (\d+)\)/g)).toEqual(Array(2).fill(`> ${hundred})`));
  expect(vcl).toContain("larger than the 100 MB this site takes");
  expect(file("limits: {body: 100K}\n", "conf/site.vcl")).toContain("larger than the 100 KB this site takes");
  const unit = file("limits: {body: 100M}\n", "conf/web.service");
  expect(unit).toContain(`=/tmp:size=${4 * hundred},`);
  const small = file("limits: {body: 1M}\n", "conf/web.service");
  expect(small).toContain(`=/tmp:size=${least},`);
  const memoryOf = (text: string) => Number(/\nMemoryMax=(\d+)\n/.exec(text)?.[1]);
  expect(memoryOf(unit) - memoryOf(small)).toBe(4 * hundred - least);
});

test("Apache has one child, with more workers than Varnish may use, and mod_wsgi lets as many wait", () => {
  for (const [count, threads] of [
    [1, 1],
    [8, 1],
    [17, 1],
    [120, 4],
  ] as const) {
    const manifest = `processes: {count: ${count}, threads: ${threads}}\n`;
    const connections = Number(/max_connections = (\d+);/.exec(file(manifest, "conf/site.vcl"))?.[1]);
    const conf = file(manifest, "conf/apache.conf");
    const said = (name: string) => Number(new RegExp(`^ *${name}[ =](\\d+)`, "m").exec(conf)?.[1]);
    expect(["StartServers", "ServerLimit"].map(said)).toEqual([1, 1]);
    expect(said("ThreadsPerChild")).toBeGreaterThan(connections + 31);
    expect(said("MaxRequestWorkers")).toBe(said("ThreadsPerChild"));
    expect(said("ThreadLimit")).toBe(said("ThreadsPerChild"));
    expect(said("listen-backlog")).toBe(connections);
    expect(connections).toBeGreaterThanOrEqual(8 * count * threads);
  }
});

test("a static site has no Python: no module, no wrapper, no daemon", () => {
  const { sites } = planned({
    "dev.yaml": `nodes:\n  web1: {local: true, os: debian-12}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
    "apps/blog/app.yaml": "name: blog\nplatform: static\n",
  });
  const [site] = sites;
  if (site === undefined) throw new Error("no site was planned");
  const release = renderRelease(site);
  expect(release.files.map(({ path }) => path)).toEqual(["conf/apache.conf", "conf/site.vcl", "conf/web.service"]);
  expect(release.files[0]?.content).not.toMatch(/wsgi/i);
});

test("a unit that starts at boot waits for its turn where many start at once", () => {
  for (const platform of ["python", "php"] as const) {
    const { files, units } = renderRelease({ ...plannedSite(""), platform, runner: "index.php" });
    for (const unit of units)
      expect(files.find(({ path }) => path === unit.file)?.content).toContain("\nTimeoutStartSec=15min\n");
  }
});

test("a PHP site has no Python, and a process of PHP for each request that it serves at once", () => {
  const php = { ...plannedSite("processes: {count: 3, memory: 64M}\n"), platform: "php" as const, runner: "index.php" };
  const text = (path: string) => renderRelease(php).files.find((file) => file.path === path)?.content ?? "";
  expect(renderRelease(php).files.map(({ path }) => path)).toEqual(
    [
      ...["apache.conf", "php-fpm.conf", "prepend.php", "site.vcl", "php.service", "web.service"],
      ...["run.json", "run.py", "run.service", "commands/app.ini"],
    ].map((name) => `conf/${name}`),
  );
  expect(text("conf/apache.conf")).not.toMatch(/wsgi/i);
  expect(text("conf/php-fpm.conf")).toMatch(/^pm\.max_children = 3$/m);
  expect(text("conf/php-fpm.conf")).toMatch(/^php_admin_value\[memory_limit\] = 67108864$/m);
  const given = Number(/^MemoryMax=(\d+)$/m.exec(text("conf/php.service"))?.[1]);
  expect(renderRelease(php).units.map(({ role }) => role)).toEqual(["php", "web"]);
  expect(given).toBeGreaterThanOrEqual(3 * 64 * 1024 ** 2 + 128 * 1024 ** 2);
});

test("a node has what its roles need, and its sites in order", () => {
  const plan = planned({
    "dev.yaml": `nodes:
  web1: {local: true, os: debian-12}
  data1: {local: true, os: debian-13, roles: [service]}
sites:
  shop: {app: apps/blog, nodes: [web1], locations: [shop.acme.net]}
  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n`,
    "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\n",
  });
  const [data, web] = plan.nodes.map((node) => renderNodeState(plan, node));
  expect(web).toMatchObject({
    node: "web1",
    os: "debian-12",
    sites: [
      { name: "blog", user: "site-blog" },
      { name: "shop", user: "site-shop" },
    ],
    units: {
      running: [
        "silver-nft.service",
        "silver-ports.service",
        "silver-boot.service",
        "varnish.service",
        "silver-recover.timer",
        "silver-measure.timer",
      ],
    },
  });
  expect(data?.packages).not.toContain("varnish");
  expect(data?.files.map(({ path }) => path)).toEqual(["/etc/silver/nft.conf", "/etc/systemd/system/silver-nft.service"]);
});

test("a new release of a site changes nothing of its node", () => {
  const state = (version: string) => {
    const plan = planned({
      "dev.yaml":
        'nodes:\n  web1: {local: true, os: debian-12}\nsites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"]}\n',
      "apps/blog/app.yaml": `name: blog\nversion: ${version}\nrunner: src/wsgi.py\n`,
    });
    return plan.nodes.map((node) => canonicalJson(renderNodeState(plan, node)));
  };
  expect(state("1.5.0")).toEqual(state("1.6.0"));
});

test("what an interpreter reads as it starts stands in the units of its release, but no secret and nothing else of the config", () => {
  const { sites } = planned({
    "dev.yaml": `nodes: {web1: {local: true, os: ubuntu-24.04}}
sites:
  zone:
    app: apps/zone
    nodes: [web1]
    locations: ["*"]
    config: {TZ: Europe/Berlin, LC_ALL: {secret: 1}, PYTHONHASHSEED: "0", GREETING: hi, TZ_OTHER: x, LANG: "a\\nb"}
`,
    "apps/zone/app.yaml": "name: zone\nversion: 1.0.0\nrunner: wsgi.py\nconfig: {checker: bin/check}\n",
  });
  const [site] = sites;
  if (site === undefined) throw new Error("no site is planned");
  const units = renderRelease(site).files.filter(({ path }) => path.endsWith(".service"));
  expect(units.map(({ path }) => path)).toEqual(["conf/web.service", "conf/run.service", "conf/check.service"]);
  for (const { content } of units) {
    const set = content
      .split("\n")
      .filter((found) => found.startsWith("Environment=") && !/UNBUFFERED|RUNTIME_DIRECTORY|HOME/.test(found));
    expect(set.filter((found) => !found.includes("PYTHONIOENCODING"))).toEqual([
      "Environment=LANG=C.UTF-8",
      'Environment="PYTHONHASHSEED=0"',
      'Environment="TZ=Europe/Berlin"',
    ]);
  }
});

test("each worker has a unit, and those of one name a file; its words are no place of ours", () => {
  const { sites } = planned({
    "dev.yaml": 'nodes: {web1: {local: true, os: debian-12}}\nsites: {blog: {app: apps/blog, nodes: [web1], locations: ["*"]}}\n',
    "apps/blog/app.yaml": "name: blog\nrunner: wsgi.py\nworkers: {mail: {run: bin/mail 100%  @ROOT@, count: 2, stop: 5m}}\n",
  });
  const [site] = sites;
  if (site === undefined) throw new Error("no site is planned");
  const { units, files } = renderRelease(site);
  expect(units).toEqual([
    { role: "web", file: "conf/web.service", starts: "prepare" },
    { role: "worker", name: "mail-1", file: "conf/worker.mail.service", starts: "cut-over" },
    { role: "worker", name: "mail-2", file: "conf/worker.mail.service", starts: "cut-over" },
  ]);
  const of = (name: string) => files.find(({ path }) => path === `conf/${name}`)?.content;
  const text = of("worker.mail.service");
  expect(text).toContain("\nExecStart=/usr/bin/python3 -P @ROOT@/conf/run.py @ROOT@/conf/commands/worker.mail\n");
  const words = of("commands/worker.mail/command.json") ?? "";
  expect([words.includes("@"), JSON.parse(words)]).toEqual([false, ["bin/mail", "100%", "@ROOT@"]]);
  expect(text).toContain("\nTimeoutStopSec=300\n");
});

test("all that is a site's runs in the slice of that site alone", () => {
  const { sites } = planned({
    "dev.yaml":
      'nodes: {web1: {local: true, os: debian-12}}\nsites: {my-blog: {app: apps/blog, nodes: [web1], locations: ["*"]}}\n',
    "apps/blog/app.yaml":
      'name: blog\nrunner: index.php\nconfig: {checker: bin/check.php}\nworkers: {mail: {run: bin/mail}}\ncron: {digest: {at: "@daily", run: bin/digest}}\n',
  });
  const units = sites.flatMap((site) => renderRelease(site).files).filter(({ path }) => path.endsWith(".service"));
  expect(units.map(({ path }) => path.replace("conf/", "")).sort()).toEqual(
    ["web", "php", "check", "run", "worker.mail", "cron.digest", "job.digest"].map((name) => `${name}.service`).sort(),
  );
  for (const { path, content } of units)
    expect([path, /^Slice=(.*)$/m.exec(content)?.[1]]).toEqual([path, "silver-my\\x2dblog.slice"]);
});

/** Path → content of what a node with one site has. */
function filesOfNode(node = ""): Map<string, string> {
  const plan = planned({
    "dev.yaml": `nodes: {web1: {local: true, os: debian-12${node}}}\nsites: {blog: {app: apps/blog, nodes: [web1], locations: ["*"]}}\n`,
    "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\n",
  });
  const files = plan.nodes.flatMap((node) => renderNodeState(plan, node).files);
  return new Map(files.map(({ path, content }) => [path, content]));
}

test("sites that take all the processes that they may leave some to the node", () => {
  const slice = filesOfNode().get("/etc/systemd/system/silver.slice");
  expect(slice).toMatch(/^TasksMax=80%$/m);
});

test("the kernel holds all sites of a node to its memory, and to none where the environment gives none", () => {
  const slice = (node?: string) => filesOfNode(node).get("/etc/systemd/system/silver.slice");
  expect(slice(", memory: 8G")).toMatch(new RegExp(`^MemoryMax=${8 * 1024 ** 3}$`, "m"));
  expect(slice()).not.toContain("Memory");
});

test("what root runs in a unit of a site finds none of the variables that the site's config sets there", () => {
  const { sites } = planned({
    "dev.yaml": 'nodes: {web1: {local: true, os: debian-12}}\nsites: {blog: {app: apps/blog, nodes: [web1], locations: ["*"]}}\n',
    "apps/blog/app.yaml":
      'name: blog\nrunner: index.php\nconfig: {default: {LANGUAGE: ../../../srv/silver/blog/data/g1}}\nworkers: {mail: {run: bin/mail}}\ncron: {digest: {at: "@daily", run: bin/digest}}\n',
  });
  const units = sites.flatMap((site) => renderRelease(site).files).filter(({ content }) => content.includes("LANGUAGE="));
  const lines = units.flatMap(({ content }) => [...content.matchAll(/^Exec\w+=-?\+(.*)$/gm)].map(([, words]) => words));
  // A shell that only writes looks at none of them.
  const others = lines.filter((words) => words?.startsWith("/bin/sh -c 'echo ") === false);
  expect([lines.length, others.length]).toEqual([5, 3]);
  for (const words of others) expect(words).toMatch(/^\/usr\/bin\/env --ignore-environment \//);
});

test("a job has a timer in its site's zone, a unit that asks for a start, and the lines of a run", () => {
  const release = (tz: string) => {
    const { sites } = planned({
      "dev.yaml": `nodes: {web1: {local: true, os: debian-12}}\nsites: {blog: {app: apps/blog, nodes: [web1], locations: ["*"], config: {TZ: ${tz}}}}\n`,
      "apps/blog/app.yaml":
        'name: blog\nrunner: wsgi.py\ncron: {digest: {at: "@daily", run: bin/digest, overlap: allow, timeout: 2h}}\n',
    });
    const [site] = sites;
    if (site === undefined) throw new Error("no site is planned");
    return renderRelease(site);
  };
  const { units, files, packages } = release("Europe/Berlin");
  expect(units.slice(1)).toEqual([
    { role: "cron", name: "digest", file: "conf/cron.digest.service", starts: "timer" },
    { role: "cron", name: "digest", kind: "timer", file: "conf/cron.digest.timer", starts: "cut-over" },
  ]);
  const of = (name: string) => files.find(({ path }) => path === `conf/${name}`)?.content;
  expect(of("cron.digest.timer")).toContain("\nOnCalendar=*-*-* 00:00:00 Europe/Berlin\n");
  const turn = "/usr/bin/flock --no-fork /run/silver-jobs-blog";
  const agent = "/usr/local/bin/silver-agent";
  expect(of("cron.digest.service")).toContain(`\nExecStart=${turn}.start ${agent} start-job blog @RELEASE@ digest allow\n`);
  expect(of("cron.digest.service")).toContain("\nUMask=0077\n");
  expect(of("job.digest.service")).toMatch(
    new RegExp(`^ExecStopPost=.* ${turn}.end .* ${agent} end-job blog digest @RUN@'$`, "m"),
  );
  expect(of("job.digest.service")).toContain("\nRuntimeMaxSec=7200\n");
  expect(packages).toContain("tzdata");
  const other = release("UTC");
  expect(other.files.find(({ path }) => path === "conf/cron.digest.timer")?.content).toContain(" 00:00:00 UTC\n");
  expect(other.packages).not.toContain("tzdata");
});

// The end of `silver up`: a line a site, and nothing after it. Pulumi is a script that leaves what rollouts would.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { protocol } from "../../components/node/contract.ts";
import { loadPlan } from "../../components/plan/load.ts";
import { renderRelease } from "../../components/render/release.ts";
import type { SiteVerdict } from "../../components/rollout/verdict-file.ts";
import { ownerOf } from "../support/owner.ts";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;
const write = (files: Record<string, string>) => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content, { mode: 0o755 });
  }
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-up-test-"));
  for (const name of ["cli", "components", "package.json", "Pulumi.yaml"])
    cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  mkdirSync(join(root, "tmp"));
  write({
    "bin/pulumi": `#!/bin/sh
case $1 in
  up) echo "Updating (dev)"; cp ${root}/left/*.json "$SILVER_VERDICTS" 2>/dev/null; echo "Duration: 1s"; exit "$(cat ${root}/code)" ;;
  stack)
    case "$2 $*" in
      output*) cat ${root}/outputs ;;
      export*--json*) echo "error: unknown flag: --json" >&2; exit 1 ;;
      *) cat ${root}/state ;;
    esac ;;
  *) echo '{"url": "https://api.example.org"}' ;;
esac
`,
    // An agent that answers what is written down.
    "bin/ssh": `#!${process.execPath}
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
const answers = JSON.parse(readFileSync("${root}/agent", "utf8"));
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, verb } = JSON.parse(line);
  console.log(JSON.stringify({ id, ...(answers[verb] ?? { result: {} }) }));
});
`,
  });
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

const app = (version: string, more = "") => `name: app\nversion: ${version}\nrunner: wsgi.py\n${more}`;
beforeEach(() => {
  for (const name of ["apps", "stacks", "left"]) rmSync(join(root, name), { recursive: true, force: true });
  mkdirSync(join(root, "left"));
  const sites = ["blog", "shop"].map((name) => `  ${name}: {app: apps/${name}, nodes: [web1], locations: [${name}.acme.net]}\n`);
  write({ code: "0", state: '{"deployment": {}}', outputs: "{}" });
  write({ "stacks/dev.yaml": `nodes:\n  web1: {local: true, os: debian-12}\nsites:\n${sites.join("")}` });
  for (const name of ["blog", "shop"])
    write({
      [`apps/${name}/app.yaml`]: app("1.5.0"),
      [`apps/${name}/wsgi.py`]: "def application(environ, start_response): ...\n",
    });
});

const up = (...words: string[]) => silver("up", ...words);

function silver(verb: string, ...words: string[]) {
  const env = { ...process.env, PATH: `${join(root, "bin")}${delimiter}${process.env.PATH ?? ""}`, TMPDIR: join(root, "tmp") };
  const run = spawnSync(process.execPath, [join(root, "cli/main.ts"), verb, "-e", "dev", ...words], {
    cwd: root,
    encoding: "utf8",
    env,
  });
  expect(readdirSync(join(root, "tmp"))).toEqual([]);
  return run;
}

const end = (stdout: string) => stdout.slice(stdout.indexOf("Duration: 1s\n") + "Duration: 1s\n".length);
const leave = (verdict: Partial<SiteVerdict> & { site: string }) => {
  const all = { verdict: "live", release: "1.5.0-3fa2c1d0.c7b19e02", nodes: [], urls: [], ...verdict };
  write({ [`left/${verdict.site}.json`]: JSON.stringify(all) });
};
const idOf = (name: string) => {
  const site = loadPlan(root, "dev").value?.sites.find((each) => each.name === name);
  if (site === undefined) throw new Error(`the plan has no site ${name}`);
  return renderRelease(site).id;
};
/** Pulumi's state with the declared release of some sites. */
const keep = (...names: string[]) => {
  const resources = names.map((name) => ({
    urn: `urn:pulumi:dev::silverlining::silver:resources:Site$command:local:Command::${name}-rollout`,
    // A state holds the agent with each of a site's commands.
    inputs: { environment: { release: idOf(name) }, stdin: "x".repeat(2 ** 20) },
  }));
  const sites = Object.fromEntries(names.map((name) => [name, { urls: [`http://${name}.acme.net/`] }]));
  const stack = { urn: "urn:pulumi:dev::silverlining::pulumi:pulumi:Stack::silverlining-dev", outputs: { sites } };
  write({ state: JSON.stringify({ deployment: { resources: [stack, ...resources] } }) });
};

test("each site has its line at the end: what is live and where, or what failed, why, and what serves", () => {
  leave({ site: "blog", urls: ["http://blog.acme.net/", "http://www.acme.net/"], nodes: [{ name: "web1", serves: "x" }] });
  leave({
    site: "shop",
    verdict: "reverted",
    cause: "SyntaxError src/wsgi.py:28",
    nodes: [{ name: "web1", serves: "2.1.0-77aa01be.00112233" }],
  });
  write({ code: "255" });
  const { status, stdout } = up();
  expect(status).toBe(1);
  expect(end(stdout)).toBe(
    "\n✓ blog live 1.5.0 http://blog.acme.net/ and 1 more\n✗ shop reverted · SyntaxError src/wsgi.py:28 · 2.1.0 serves\n",
  );
});

test("sites for which nothing ran are unchanged, and say so where nothing was to be done", () => {
  keep("blog", "shop");
  const { status, stdout } = up();
  expect({ status, end: end(stdout) }).toEqual({
    status: 0,
    end: "\n✓ blog unchanged 1.5.0 http://blog.acme.net/\n✓ shop unchanged 1.5.0 http://shop.acme.net/\n",
  });
});

/** What the one node answers of the two sites, which serve what is declared. */
function answer(verify: object, shop: object = {}, owner = ownerOf("web1")): void {
  const reached = { name: "web1", address: "10.0.0.1", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA" };
  const reach = { web1: { ...reached, owner: ownerOf("web1").id } };
  const declared = (name: string) => ({ declared: idOf(name), nodes: ["web1"], urls: [] });
  write({ outputs: JSON.stringify({ reach, sites: { blog: declared("blog"), shop: declared("shop") } }) });
  const state = { serial: 1, previous: null, releases: [], generation: 1, holder: null, services: [] };
  const claim = { ...owner, since: "2026-11-30T02:00:00+00:00" };
  const hello = { protocol, agent: "", os: "debian-12", machineId: "", bootId: "", python: "3.11.2", claim };
  const sites = ["blog", "shop"].map((site) => ({ ...state, site, live: idOf(site), ...(site === "shop" ? shop : {}) }));
  write({ agent: JSON.stringify({ hello: { result: hello }, status: { result: { sites } }, verify }) });
}

const wrongAnswer = "http://127.0.0.1:80/ (Host: shop.acme.net): status 503, expected 200";
const failing = {
  result: {
    problems: [],
    sites: [
      { site: "blog", problems: [] },
      { site: "shop", problems: [wrongAnswer] },
    ],
  },
};

test("a site for which nothing ran, and which fails its own check or lacks a unit, is said to fail, and the run does", () => {
  keep("blog", "shop");
  answer(failing);
  expect(up()).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(
      /\n✓ blog unchanged 1\.5\.0 .*\n✗ shop unchanged · http:.*: status 503, expected 200\n$/,
    ) as string,
  });
  const address = { id: idOf("shop"), bundle: "b", address: "127.64.0.2", port: 20001 };
  answer(failing, { releases: [{ ...address, units: [{ name: "silver-web-shop.service", active: false }] }] });
  expect(up().stdout).toMatch(/\n✗ shop unchanged · silver-web-shop\.service does not run\n$/);
  answer({ result: { problems: [], sites: [] } });
  expect(up().status).toBe(0);
  // Somebody rolls it out right now, and will say how that ends.
  answer(failing, { holder: { who: "ann@desk", pid: 1, release: "x", since: "y" } });
  expect(up().status).toBe(0);
});

test("silver status shows what is wrong first, asks an older agent only what it knows, and exits 1", () => {
  const status = () => silver("status");
  keep("blog", "shop");
  answer(failing);
  const found = status();
  expect(found.status).toBe(1);
  expect(found.stdout.split("\n").map((line) => line.split(/ +/)[0])).toEqual(["SITE", "shop", "blog", ""]);
  expect(found.stdout).toContain(`  ${wrongAnswer}\nblog  web1  ${idOf("blog")}  -         ok\n`);
  const error = { code: "usage", message: "unknown verb 'verify'", fix: null, log: [], holder: null };
  answer({ error });
  const [, first = "", second = ""] = status().stdout.split("\n");
  expect([first, second]).toEqual([
    expect.stringMatching(/ the agent of web1 is older than this checkout: run silver up$/),
    expect.stringMatching(/ as blog$/),
  ]);
  answer({ result: { problems: [], sites: [] } });
  expect(status()).toMatchObject({ status: 0, stderr: "" });
});

test("a node that another environment has by now is said to be its, once, by silver status and by an up that ran nothing", () => {
  keep("blog", "shop");
  answer({ result: { problems: [], sites: [] } }, {}, { ...ownerOf("web1"), id: "b".repeat(64), name: "shop/staging" });
  const told = "web1 is another environment's: shop/staging, whose state is in s3://acme-pulumi";
  const { status, stdout } = silver("status");
  expect({ status, times: stdout.split(told).length - 1 }).toEqual({ status: 1, times: 1 });
  expect(up().stdout).toContain(`\n✗ blog unchanged · ${told}\n`);
});

describe("silver secret rotate", () => {
  const taken = {
    result: {
      token: 7,
      recovered: [],
      state: { site: "blog", serial: 1, live: null, previous: null, releases: [], generation: 1, holder: null, services: [] },
    },
  };
  const answers = (rotate: object) => {
    answer({ result: { problems: [], sites: [] } });
    const known = JSON.parse(readFileSync(join(root, "agent"), "utf8")) as object;
    write({ agent: JSON.stringify({ ...known, lease: taken, "rotate-key": rotate }) });
  };

  test("says where a site has a new key, or why it has none", () => {
    keep("blog", "shop");
    answers({ result: { changes: [] } });
    expect(silver("secret", "rotate", "blog")).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^✓ blog on web1 has a new key; what runs takes it with its next release/) as string,
    });
    const error = { code: "usage", message: "the key of blog was rotated already", fix: "roll out", log: [], holder: null };
    answers({ error });
    expect(silver("secret", "rotate", "blog")).toMatchObject({
      status: 1,
      stdout: "✗ blog on web1: the key of blog was rotated already\n  roll out\n",
    });
    expect(JSON.parse(silver("secret", "rotate", "blog", "--json").stdout)).toEqual([
      { node: "web1", problem: { message: error.message, fix: error.fix } },
    ]);
    expect(silver("secret", "rotate", "nowhere").status).toBe(2);
  });
});

describe("silver heal", () => {
  const sound = { result: { problems: [], sites: [] } };
  const nothing = { result: { changes: [], problems: [] } };
  const lease = (site: string) => ({
    result: {
      token: 7,
      recovered: [],
      state: { site, serial: 1, live: null, previous: null, releases: [], generation: 1, holder: null, services: [] },
    },
  });
  const answers = (more: object) => {
    answer(sound);
    const known = JSON.parse(readFileSync(join(root, "agent"), "utf8")) as object;
    write({ agent: JSON.stringify({ ...known, lease: lease("blog"), "heal-node": nothing, heal: nothing, ...more }) });
  };

  test("says what each node put back, then how each site is; a second time there is nothing", () => {
    keep("blog", "shop");
    const changes = [{ what: "/etc/systemd/system/silver-web-blog@1.service", why: "missing" }];
    answers({
      heal: { result: { changes, problems: [] } },
      "heal-node": { result: { changes: [{ what: "top_1", why: "not loaded" }], problems: [] } },
    });
    expect(silver("heal", "blog")).toMatchObject({
      status: 0,
      stdout: `+ web1: top_1: not loaded\n+ blog on web1: ${changes[0]?.what ?? ""}: missing\n✓ blog whole\n`,
    });
    answers({});
    expect(silver("heal")).toMatchObject({
      status: 0,
      stdout: "✓ blog whole, nothing to put back\n✓ shop whole, nothing to put back\n",
    });
  });

  test("what can't be put back is told with what to do, and exits 1, as does what is wrong afterwards", () => {
    keep("blog", "shop");
    const problem = { what: "release.json is lost", fix: "raise the version", log: ["a\u001b[2J line"] };
    answers({ heal: { result: { changes: [], problems: [problem] } } });
    expect(silver("heal", "blog")).toMatchObject({
      status: 1,
      stdout: "✗ blog on web1: release.json is lost\n  | a␛[2J line\n  raise the version\n✗ blog · see above\n",
    });
    answers({ verify: failing });
    expect(silver("heal", "shop")).toMatchObject({ status: 1, stdout: `✗ shop · ${wrongAnswer}\n` });
  });

  test("a site that somebody rolls out is left to them, and an older agent is named", () => {
    keep("blog", "shop");
    const error = { fix: "wait until it has ended, or stop it", log: [], holder: null };
    answers({ lease: { error: { ...error, code: "leased", message: "blog is being rolled out by ann@desk" } } });
    expect(silver("heal", "blog")).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^✗ blog on web1: blog is being rolled out by ann@desk\n {2}wait until/) as string,
    });
    answers({ "heal-node": { error: { ...error, code: "usage", message: "unknown verb 'heal-node'" } } });
    expect(silver("heal", "blog", "--json").stdout).toContain("the agent of web1 is older than this checkout");
    expect(silver("heal", "nowhere")).toMatchObject({
      status: 2,
      stderr: "✗ dev has no site nowhere\n  the sites are: blog, shop\n",
    });
  });
});

test("a site that no rollout reached is not called unchanged", () => {
  keep("blog");
  write({ code: "255" });
  expect(end(up().stdout)).toBe("\n✓ blog unchanged 1.5.0 http://blog.acme.net/\n✗ shop not deployed · see above\n");
});

test("a broken site names the place of its first error, a removed one that it is gone, nodes that differ what each serves", () => {
  write({ "apps/shop/app.yaml": app("1.5.0", "nme: shop\n") });
  leave({
    site: "blog",
    verdict: "split",
    cause: "web2 did not answer\u001b[2J",
    nodes: [{ name: "web1", serves: "1.5.0-3fa2c1d0.c7b19e02" }, { name: "web2" }],
  });
  leave({ site: "old", verdict: "removed" });
  write({ code: "255" });
  expect(end(up().stdout)).toBe(
    "\n✗ blog split · web2 did not answer␛[2J · web1: 1.5.0 serves · web2: did not answer\n✓ old removed\n✗ shop not deployed · apps/shop/app.yaml:4:1 [unknown-key] · it stays as it is\n",
  );
});

test("an environment that can't be planned, and a stack that can't be read, add no line of their own", () => {
  write({ code: "255" });
  rmSync(join(root, "state"));
  expect(end(up().stdout)).toBe("\n✗ blog not deployed · see above\n✗ shop not deployed · see above\n");
  write({ "stacks/dev.yaml": "nods: 1\n" });
  expect(end(up().stdout)).toBe("");
});

test("--json has the same on stdout, and Pulumi's own words on stderr", () => {
  leave({ site: "blog" });
  keep("shop");
  const { stdout, stderr } = up("--json");
  expect(stderr).toContain("Updating (dev)");
  expect(JSON.parse(stdout)).toMatchObject([
    { site: "blog", isWell: true, verdict: "live", cause: null },
    { site: "shop", isWell: true, verdict: "unchanged", urls: ["http://shop.acme.net/"] },
  ]);
});

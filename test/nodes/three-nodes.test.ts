// Three nodes of one environment, of different systems: what serves where, and what one of them can do to the others.
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneOf } from "../../components/machines/clone.ts";
import { startNode, stopNode } from "../../components/machines/local-machine.ts";
import { systems } from "../../components/systems/systems.ts";
import { http, poll } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { visitor } from "../support/load.ts";
import { resourceCounts, withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { minorOf, otherOs, testOs } from "../support/systems.ts";

/** Tells its text, and the Python it runs on. */
const app = (name: string) => ({
  [`apps/${name}/app.yaml`]: `name: ${name}\nversion: 1.0.0\nrunner: wsgi.py\nprocesses: { count: 2 }\ncheck: { path: /, within: 5s }\n`,
  [`apps/${name}/wsgi.py`]: `import sys
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["${name}, first, on 3.{}".format(sys.version_info[1]).encode()]
`,
});

const sites = { pair: ["web1", "web2"], lone: ["web3"], all: ["web1", "web2", "web3"] };

const names = ["web1", "web2", "web3"] as const;
let project: Project;
let nodes: Record<(typeof names)[number], TestNode>;
const os = { web1: testOs, web2: otherOs, web3: testOs };
/** `3.12`, as the app tells it. */
const pythonOf = (node: keyof typeof os): string => minorOf(systems[os[node]].python.python);

function declare(placed: Record<string, string[]>): void {
  const machines = names.map((name) => `  ${name}: { local: true, os: ${os[name]}, roles: [web] }\n`);
  const declared = Object.entries(placed).map(
    ([name, on]) => `  ${name}: { app: apps/${name}, nodes: [${on.join(", ")}], locations: [${name}.test] }\n`,
  );
  project.engine.write({ "stacks/test.yaml": `nodes:\n${machines.join("")}sites:\n${declared.join("")}` });
}

beforeAll(async () => {
  project = await withProject({ ...app("pair"), ...app("lone"), ...app("all") });
  declare(sites);
  await Promise.all(names.map((name) => project.prepare(name, { os: os[name] })));
});

afterAll(async () => {
  await project.remove();
});

const ask = (node: TestNode, site: string) => http(node, "/", { Host: `${site}.test` });

/** What each node answers for each site: its text, or its status where that is not 200. */
async function answers(): Promise<Record<string, Record<string, string>>> {
  const told = names.map(async (name) => {
    const each = Object.keys(sites).map(async (site) => {
      const { status, body } = await ask(nodes[name], site);
      return [site, status === 200 ? body : String(status)];
    });
    return [name, Object.fromEntries(await Promise.all(each)) as Record<string, string>];
  });
  return Object.fromEntries(await Promise.all(told)) as Record<string, Record<string, string>>;
}

/** What the nodes should answer; `text` of a site by its name, default `first`. */
function expected(
  texts: Record<string, string> = {},
  placed: Record<string, string[]> = sites,
): Awaited<ReturnType<typeof answers>> {
  const told = names.map((name) => {
    const each = Object.keys(sites).map((site) => {
      const text = `${site}, ${texts[site] ?? "first"}, on ${pythonOf(name)}`;
      return [site, placed[site]?.includes(name) === true ? text : "404"];
    });
    return [name, Object.fromEntries(each) as Record<string, string>];
  });
  return Object.fromEntries(told) as Awaited<ReturnType<typeof answers>>;
}

test("one pulumi up makes three nodes, and each serves its own sites and no other", async () => {
  const output = await project.engine.up();
  for (const site of Object.keys(sites)) expect(output).toContain(`${site}: live.`);
  nodes = { web1: await project.node("web1"), web2: await project.node("web2"), web3: await project.node("web3") };
  expect(await answers()).toEqual(expected());
});

test("a second run changes nothing", async () => {
  const { steps } = await project.engine.previewJson();
  expect(steps.filter(({ op }) => op !== "same")).toEqual([]);
  expect(resourceCounts(await project.engine.up())).toEqual([expect.stringMatching(/^\d+ unchanged$/)]);
});

test("an edited app reaches both of its nodes in one rollout, and no request fails on either", async () => {
  const visitors = [nodes.web1, nodes.web2].map((node) => visitor(() => ask(node, "pair"), 10));
  project.edit("apps/pair/wsgi.py", "first", "second");
  expect(resourceCounts(await project.engine.up())).toContain("~ 1 updated");
  for (const [index, each] of visitors.entries()) {
    const told = (await each.stop()).map(({ status, body }) => `${status} ${body.replace(/.*, (\w+), .*/, "$1")}`);
    expect([...new Set(told)], `web${index + 1}`).toEqual(["200 first", "200 second"]);
    // Never back: the old release after the new one would be a visitor's lost page.
    expect(told.lastIndexOf("200 first")).toBeLessThan(told.indexOf("200 second"));
  }
  expect(await answers()).toEqual(expected({ pair: "second" }));
});

test("a release that only one node's Python can run is on neither, and another site's goes through beside it", async () => {
  const [major, minor] = pythonOf("web2").split(".");
  const refusing = `import sys\nif sys.version_info[:2] == (${major}, ${minor}): raise ImportError("not for this Python")`;
  project.edit("apps/pair/wsgi.py", "import sys", refusing);
  project.edit("apps/pair/wsgi.py", "second", "third");
  project.edit("apps/lone/wsgi.py", "first", "second");
  const output = await project.engine.upFails("--continue-on-error");
  expect(output).toContain("pair: reverted.");
  expect(output).toMatch(/web2, check: .*status 500/);
  expect(output).not.toMatch(/web1, check:/);
  expect(output).toContain("ImportError: not for this Python");
  expect(output).toContain("lone: live.");
  expect(await answers()).toEqual(expected({ pair: "second", lone: "second" }));
});

test("while a node is down its sites are refused, by its name; the other nodes serve what they did, and their sites go on", async () => {
  await stopNode(cloneOf(project.root), "web2", () => undefined);
  project.edit("apps/pair/wsgi.py", 'raise ImportError("not for this Python")', "pass");
  project.edit("apps/lone/wsgi.py", "second", "third");
  const output = await project.engine.upFails("--continue-on-error");
  expect(output).toContain("pair: refused.");
  expect(output).toMatch(/web2, connect: \S+ can't be reached/);
  expect(output).toContain("lone: live.");
  const lone = expected({ lone: "third" }).web3?.lone;
  expect((await ask(nodes.web3, "lone")).body).toBe(lone);
  for (const site of ["pair", "all"]) expect((await ask(nodes.web1, site)).body).toBe(expected({ pair: "second" }).web1?.[site]);
});

test("once started it serves what it did, and the next run continues where the last one stopped", async () => {
  await startNode(cloneOf(project.root), "web2", () => undefined);
  const before = expected({ pair: "second", lone: "third" });
  await poll("web2 serves again", 60, async () => {
    expect(await answers()).toEqual(before);
    return true;
  });
  expect(resourceCounts(await project.engine.up())).toContain("~ 1 updated");
  expect(await answers()).toEqual(expected({ pair: "third", lone: "third" }));
});

test("a site comes to one node more, and leaves another, without a request failing where it stays", async () => {
  const texts = { pair: "third", lone: "third" };
  const visited = visitor(() => ask(nodes.web2, "pair"), 10);
  const grown = { ...sites, pair: [...sites.pair, "web3"] };
  declare(grown);
  await project.engine.up();
  expect(await answers()).toEqual(expected(texts, grown));
  const moved = { ...sites, pair: ["web2", "web3"] };
  declare(moved);
  await project.engine.up();
  expect(await answers()).toEqual(expected(texts, moved));
  expect((await visited.stop()).filter(({ status }) => status !== 200)).toEqual([]);
});

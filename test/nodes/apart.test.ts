// One site's broken manifest, apt package or release stops only itself: several sites on one node, deployed together.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { http } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { answering } from "../support/rollout-site.ts";
import { testOs } from "../support/systems.ts";

interface App {
  says: string;
  version: string;
  /** More of its manifest. */
  more?: string;
  module?: string;
}

const manifest = (name: string, { version, more = "" }: App) =>
  `name: ${name}\nversion: ${version}\nrunner: wsgi.py\ndefault_location: ${name}.test\ncheck: { path: /, within: 3s }\n${more}`;
const environment = (names: readonly string[]) =>
  `nodes:\n  web1: { local: true, os: ${testOs}, roles: [web] }\nsites:\n${names
    .map((name) => `  ${name}: { app: apps/${name}, nodes: [web1]${name === "wiki" ? "" : `, locations: [${name}.test]`} }\n`)
    .join("")}`;
/** As `silver up` runs it. */
const asSilver = ["--continue-on-error"];

let project: Project;
let address = "";
const apps: Record<string, App> = {
  blog: { says: "blog one", version: "1.0.0" },
  gone: { says: "gone one", version: "1.0.0" },
  shop: { says: "shop one", version: "1.0.0" },
  wiki: { says: "wiki one", version: "1.0.0" },
};

function write(name: string, app: App): void {
  project.engine.write({
    [`apps/${name}/app.yaml`]: manifest(name, app),
    [`apps/${name}/wsgi.py`]: app.module ?? answering(app.says),
  });
}

const bodyOf = async (name: string) => {
  const { status, body } = await http({ address }, "/", { Host: `${name}.test` });
  return status === 200 ? body : `${status}`;
};
const bodies = () => Promise.all(Object.keys(apps).map(bodyOf));
const releaseInState = async (name: string) => {
  const { inputs } = (await project.engine.resource(`${name}-rollout`)) ?? {};
  return (inputs?.environment as Record<string, string> | undefined)?.release?.split("-")[0];
};

beforeAll(async () => {
  project = await withProject({ "stacks/test.yaml": environment(Object.keys(apps)) });
  await project.prepare("web1");
  for (const [name, app] of Object.entries(apps)) write(name, app);
  await project.engine.up();
  const record = JSON.parse(String((await project.engine.resource("web1-machine"))?.outputs?.stdout)) as { address: string };
  address = record.address;
  expect(await bodies()).toEqual(["blog one", "gone one", "shop one", "wiki one"]);
});

beforeEach(() => {
  for (const [name, app] of Object.entries(apps)) write(name, app);
});

afterAll(async () => {
  await project.remove();
});

test("a broken manifest leaves its site as it is; others are deployed or stop serving, and the run fails by name", async () => {
  project.engine.write({ "apps/blog/app.yaml": "name: blog\nversion: 1.1.0\nrunnr: wsgi.py\n" });
  write("shop", { says: "shop two", version: "1.1.0" });
  project.engine.write({ "stacks/test.yaml": environment(["blog", "shop", "wiki"]) });

  const said = (await project.engine.run("preview", "--diff")).output;
  expect(said).toContain('apps/blog/app.yaml:3:1 error [unknown-key] "runnr" is not a key\n');
  expect(said).toMatch(/3 \| runnr: wsgi\.py\n +\| \^{5}/);
  expect(said).toContain("site blog stays as it is until that is fixed; the others are deployed");
  expect(said).toContain("# broken: apps/blog/app.yaml:3:1 [unknown-key]");

  const output = await project.engine.upFails(...asSilver);
  expect(output).toContain('apps/blog/app.yaml:3:1 error [unknown-key] "runnr" is not a key\n');
  expect(output).toContain("shop: live.");
  expect(await bodies()).toEqual(["blog one", "404", "shop two", "wiki one"]);
  // What it was declared as last stands in the state still: the next preview shows old => new, and a removal finds it.
  expect(await releaseInState("blog")).toBe("1.0.0");
  apps.shop = { says: "shop two", version: "1.1.0" };
  delete apps.gone;
});

test("plain pulumi up, without --continue-on-error, has deployed the others before it fails", async () => {
  project.engine.write({ "apps/blog/app.yaml": "name: [blog\n" });
  write("shop", { says: "shop three", version: "1.2.0" });
  const { code, output } = await project.engine.run("up", "--yes");
  expect(code, output).not.toBe(0);
  expect(output).toContain("apps/blog/app.yaml:1:7 error [yaml-syntax]");
  expect(await bodies()).toEqual(["blog one", "shop three", "wiki one"]);
  apps.shop = { says: "shop three", version: "1.2.0" };
});

test("a site whose location can't be read keeps it, as does its whole node, and other sites on it are deployed all the same", async () => {
  project.engine.write({ "apps/wiki/app.yaml": "name: [wiki\n" });
  write("shop", { says: "shop four", version: "1.3.0" });
  const output = await project.engine.upFails(...asSilver);
  expect(output).toContain("No other site can be added or moved on web1 meanwhile");
  expect(await bodies()).toEqual(["blog one", "shop four", "wiki one"]);
  apps.shop = { says: "shop four", version: "1.3.0" };
});

test("a package that does not exist and a release that fails at import stop their own sites", async () => {
  write("blog", { says: "blog two", version: "1.1.0", more: "packages: [no-such-package-2b1f]\n" });
  write("shop", { says: "", version: "2.0.0", module: `raise RuntimeError("planted at import")\n${answering("")}` });
  write("wiki", { says: "wiki two", version: "1.1.0" });
  const output = await project.engine.upFails(...asSilver);
  expect(output).toContain("no-such-package-2b1f");
  expect(output).toContain("RuntimeError: planted at import");
  expect(await bodies()).toEqual(["blog one", "shop four", "wiki two"]);
  expect(await Promise.all(Object.keys(apps).map(releaseInState))).toEqual(["1.0.0", "1.3.0", "1.1.0"]);
  apps.wiki = { says: "wiki two", version: "1.1.0" };
});

test("a repaired site is deployed, a removed one is archived, and nothing else runs", async () => {
  write("blog", { says: "blog two", version: "1.1.0" });
  const output = await project.engine.up(...asSilver);
  expect(output).toMatch(/~ 1 updated/);
  expect(output).toContain("gone: removed. Its data is kept");
  expect(await bodies()).toEqual(["blog two", "shop four", "wiki two"]);
});

test("an older version is accepted as a rollback to a kept bundle, and refused otherwise", async () => {
  write("blog", { says: "blog old", version: "0.9.0" });
  const output = await project.engine.upFails(...asSilver);
  expect(output).toContain("version 0.9.0 is older than 1.1.0, which serves");
  expect(await bodyOf("blog")).toBe("blog two");
  write("blog", { says: "blog one", version: "1.0.0" });
  await project.engine.up(...asSilver);
  expect(await bodyOf("blog")).toBe("blog one");
});

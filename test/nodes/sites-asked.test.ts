// A site that asks others of its node, through the variables that it finds.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { http } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

const asking = `import json, os, urllib.error, urllib.request

def ask(name):
    headers = {"Host": os.environ[f"APP_{name}_HOST"]}
    try:
        with urllib.request.urlopen(urllib.request.Request(os.environ[f"APP_{name}_URL"] + "items?q=1", headers=headers), timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code

def application(environ, start_response):
    body = json.dumps([ask("API"), ask("WIKI")] if environ["PATH_INFO"] == "/ask" else "ok").encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
`;
const asked = `import json

def application(environ, start_response):
    body = json.dumps([environ[name] for name in ("HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING")]).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
`;
const site = (name: string, app: string, location: string) =>
  `  ${name}: { app: apps/${app}, nodes: [web1], locations: ["${location}"] }\n`;
const environment = (shop: string) =>
  `nodes:\n  web1: { local: true, os: ${testOs} }\nsites:\n${site("blog", "blog", "blog.test")}${site("shop", "shop", shop)}${site("wiki", "shop", "*/wiki")}`;

let project: Project;
let node: TestNode;

const ask = async (): Promise<unknown> => JSON.parse((await http(node, "/ask", { Host: "blog.test" })).body);

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({
      "apps/blog/app.yaml": `name: blog\nrunner: wsgi.py\nservices: {api: {type: app, site: shop}, wiki: {type: app}}\n`,
      "apps/blog/wsgi.py": asking,
      "apps/shop/app.yaml": "name: shop\nrunner: wsgi.py\n",
      "apps/shop/wsgi.py": asked,
      "stacks/test.yaml": environment("shop.test"),
    });
    await project.prepare("web1", { os });
    await project.engine.up();
    node = await project.node("web1");
  });

  afterAll(async () => {
    await project.remove();
  });

  test("each answers as it does to its visitors", async () => {
    expect(await ask()).toEqual([
      ["shop.test", "", "/items", "q=1"],
      ["127.0.0.1", "/wiki", "/items", "q=1"],
    ]);
  });

  test("one that moves is found again, in a run that rolls out both", async () => {
    writeFileSync(join(project.root, "stacks/test.yaml"), environment("acme.test/shop"));
    await project.engine.up();
    expect(await ask()).toEqual([
      ["acme.test", "/shop", "/items", "q=1"],
      ["127.0.0.1", "/wiki", "/items", "q=1"],
    ]);
  });
});

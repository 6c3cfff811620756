// What an app writes into its writable root, as visitors get it from a real node.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { resourceCounts, withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { siteOn } from "../support/site-on.ts";
import { testOs } from "../support/systems.ts";

/** Writes what it is sent to the path after /put. */
const python = `import os

def application(environ, start_response):
    path, body = environ["PATH_INFO"], b"app"
    if path.startswith("/put/"):
        target = os.path.join(os.environ["CONFIG_WRITABLE_ROOT"], path[5:])
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            text = environ["QUERY_STRING"]
            if text.startswith("link="):
                os.symlink(text[5:], target)
            elif text.startswith("megabytes="):
                with open(target, "wb") as file:
                    for _ in range(int(text[10:])):
                        file.write(bytes(1 << 20))
            else:
                with open(target, "w") as file:
                    file.write(text)
            body = b"written"
        except OSError as error:
            body = os.strerror(error.errno).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;
const php = `<?php
if (preg_match("#^/put/(.*)#", parse_url($_SERVER["REQUEST_URI"], PHP_URL_PATH), $found))
  file_put_contents(getenv("CONFIG_WRITABLE_ROOT") . "/" . $found[1], "<?php echo 'ran';");
echo "app";
`;
const manifest = (name: string, runner: string) =>
  `name: ${name}\nversion: 1.0.0\nrunner: ${runner}\nservices: {writable_root: {quota: 32M}}\nprocesses: {count: 1}\n`;
const pages = '  pages: { app: apps/pages, nodes: [web1], locations: [a.test, .wild.test, "*/below"] }\n';
const scripts = "  scripts: { app: apps/scripts, nodes: [web1], locations: [php.test] }\n";
const environment = (...sites: string[]) =>
  `nodes:\n  web1: { local: true, os: ${testOs}, roles: [web] }\nsites:\n${sites.join("")}`;

let project: Project;
let node: TestNode;

beforeAll(async () => {
  project = await withProject({
    "apps/pages/app.yaml": manifest("pages", "wsgi.py"),
    "apps/pages/wsgi.py": python,
    "apps/pages/static/both.txt": "static",
    "apps/scripts/app.yaml": manifest("scripts", "index.php"),
    "apps/scripts/index.php": php,
    "stacks/test.yaml": environment(pages, scripts),
  });
  await project.prepare("web1");
  await project.engine.up();
  node = await project.node("web1");
});

afterAll(async () => {
  await project.remove();
});

const get = (path: string, host = "a.test") => http(node, path, { Host: host });
const bodyOf = async (path: string, host?: string) => (await get(path, host)).body;
const put = async (path: string, text: string) => {
  expect(await bodyOf(`/put/${path}?${text}`)).toBe("written");
};

test("a file is served in place of the app, the host's own first, and after static/", async () => {
  expect(await bodyOf("/one.txt")).toBe("app");
  await put("one.txt", "all");
  expect(await bodyOf("/one.txt")).toBe("all");
  await put("a.test/one.txt", "own");
  expect(await bodyOf("/one.txt")).toBe("own");
  expect(await bodyOf("/one.txt", "A.Test:80")).toBe("own");
  expect(await bodyOf("/one.txt", "x.wild.test")).toBe("all");
  expect(await bodyOf("/below/one.txt", "x.other.test")).toBe("all");
  await put("both.txt", "written");
  expect(await bodyOf("/both.txt")).toBe("static");
  await put("one.txt", "changed");
  expect(await bodyOf("/one.txt", "x.wild.test")).toBe("changed");
});

test("a directory answers with its index.html", async () => {
  await put("a.test/deep/er/index.html", "index");
  const moved = await get("/deep/er");
  expect([moved.status, moved.headers.location]).toEqual([302, "http://a.test/deep/er/"]);
  expect(await bodyOf("/deep/er/")).toBe("index");
  expect(await bodyOf("/deep/")).toBe("app");
  expect(await bodyOf("/deep/er/", "x.wild.test")).toBe("app");
});

test("nothing in it is run, read as configuration or followed, and its type is not guessed", async () => {
  for (const name of ["run.py", "run.cgi", "run.php", "run.wsgi"]) {
    await put(name, "code");
    const answer = await get(`/${name}`);
    expect([answer.status, answer.body, answer.headers["x-content-type-options"]], name).toEqual([200, "code", "nosniff"]);
  }
  await put(".htaccess", "Redirect%20/%20http://evil.test/");
  await put(".well-known/proof", "mine");
  expect(await bodyOf("/.htaccess")).toBe("app");
  expect(await bodyOf("/one.txt")).toBe("own");
  expect(await bodyOf("/.well-known/proof")).toBe("mine");
  const secrets = (await ssh(node, "ls -d /srv/silver/pages/releases/*/environ.json")).trim();
  await put("secrets.txt", `link=${secrets}`);
  await put("release", `link=${secrets.replace(/\/[^/]+$/, "")}`);
  for (const path of ["/secrets.txt", "/release/environ.json"]) {
    const answer = await get(path);
    expect(answer.status, path).toBe(403);
    expect(answer.body, path).not.toContain("CONFIG_");
  }
  expect((await get("/put/evil.php", "php.test")).body).toBe("app");
  expect((await get("/evil.php", "php.test")).body).toBe("<?php echo 'ran';");
});

test("no host leads out of it", async () => {
  for (const host of ["..", "../..", "a.test/..", "x..wild.test", ".wild.test", "[::1]", "%2e%2e"]) {
    const answer = await get("/below/state.json", host);
    expect(answer.body, host).not.toContain("generation");
  }
});

test("no other site reaches it, and its own can only write into it", async () => {
  const root = "/srv/silver/pages/data/web/g1";
  const as = (user: string, command: string) => ssh(node, `runuser -u ${user} -- sh -c '${command}' 2>&1; echo "exit code $?"`);
  expect(await as("site-pages", `cat ${root}/a.test/one.txt`)).toBe("ownexit code 0");
  for (const command of [`ls ${root}`, `cat ${root}/a.test/one.txt`, `touch ${root}/planted`, `cat ${root}.img`])
    expect(await as("site-scripts", command), command).toMatch(/Permission denied[^]*exit code [12]$/);
  for (const command of [
    `cp /bin/true ${root}/true && ${root}/true`,
    `cat ${root}.img`,
    `rm -f ${root}.img`,
    `touch ${root}/../planted`,
    `mv ${root} ${root}-planted`,
  ])
    expect(await as("site-pages", command), command).toMatch(/(?:Permission denied|cannot move)[^]*exit code (?:1|2|126)$/);
  await ssh(node, `test -f ${root}.img && rm ${root}/true`);
});

test("a second run changes nothing", async () => {
  const mounted = () =>
    ssh(
      node,
      "systemctl show --value --property=ActiveEnterTimestampMonotonic srv-silver-pages-data-web-g1.mount; find /srv/silver/pages/data/web/g1 -printf '%p %U %m %T@\n' | sort",
    );
  const before = await mounted();
  expect(before).toMatch(/^[1-9]\d+\n/);
  expect(before).toContain("/a.test/one.txt");
  expect(resourceCounts(await project.engine.up())).toEqual([expect.stringMatching(/^\d+ unchanged$/)]);
  expect(await mounted()).toBe(before);
});

test("a full quota stops the app's writing, and what is there is served", async () => {
  expect(await bodyOf("/put/large?megabytes=64")).toBe("No space left on device");
  expect(await bodyOf("/one.txt")).toBe("own");
  await ssh(node, "rm /srv/silver/pages/data/web/g1/large");
});

test("it outlives releases, a reboot, and the site's removal", async () => {
  project.edit("apps/pages/app.yaml", "version: 1.0.0", "version: 1.1.0");
  await project.engine.up();
  expect(await bodyOf("/one.txt")).toBe("own");
  await reboot(node);
  await poll("the site answers", 60, async () => (await get("/one.txt")).status === 200);
  expect(await bodyOf("/one.txt")).toBe("own");
  writeFileSync(join(project.root, "stacks/test.yaml"), environment(scripts));
  await project.engine.up();
  expect((await get("/one.txt")).status).toBe(404);
  writeFileSync(join(project.root, "stacks/test.yaml"), environment(pages, scripts));
  await project.engine.up();
  expect(await bodyOf("/one.txt")).toBe("own");
  expect((await siteOn(node, "pages")).services).toMatchObject([{ name: "writable_root", limit: 32 * 1024 ** 2, problem: null }]);
});

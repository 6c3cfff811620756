// What `silver init` makes, of each kind, runs at once: one environment with all of them, on a booted node.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withCheckout } from "../support/checkout.ts";
import { http, webPackages } from "../support/nodes.ts";
import { testOs } from "../support/systems.ts";

const kinds = ["", "--flask", "--django", "--php", "--static", "--ini", "--ini --php", "--ini --static"];
const nameOf = (options: string) => `made${options.replaceAll(/ ?--/g, "-")}`;
const staticApp = "apps/made-static";
let project: Awaited<ReturnType<typeof withCheckout>>;
let node: { address: string };

beforeAll(async () => {
  project = await withCheckout({});
  const made = kinds.map((options) => `silver init ${nameOf(options)} ${options}`);
  const impatient = `sed -i "s/within: 30s/within: 4s/" ${staticApp}/app.yaml`;
  const sites = kinds.map(
    (options) => `  ${nameOf(options)}: { app: apps/${nameOf(options)}, nodes: [web1], locations: ["*/${nameOf(options)}"] }\n`,
  );
  project.engine.write({ "stacks/dev.yaml": `nodes:\n  web1: { local: true, os: ${testOs} }\nsites:\n${sites.join("")}` });
  await project.prepare("web1", { prepared: [...webPackages, "php-fpm"] });
  const { code, output } = await project.sh([...made, impatient, "silver up"].join(" && "));
  expect(code, output).toBe(0);
  node = { address: /http:\/\/([\d.]+)\//.exec(output)?.[1] ?? "" };
});

afterAll(async () => {
  await project.remove();
});

test.each(kinds)("silver init %s", async (options) => {
  const name = nameOf(options);
  const page = await http(node, `/${name}/`);
  expect(page).toMatchObject({ status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
  expect(page.body).toContain(`<h1>${name}</h1>`);
  const style = /href="([^"]*style\.css)"/.exec(page.body)?.[1] ?? "";
  expect(await http(node, new URL(style, `http://node/${name}/`).pathname)).toMatchObject({
    status: 200,
    headers: { "content-type": "text/css; charset=utf-8" },
  });
});

describe("a static app", () => {
  const index = `${staticApp}/static/index.html`;
  const onNode = (command: string) =>
    project.sh(
      `ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@${node.address} '${command}'`,
    );

  test("is served like the static files of any app, and missing files are not found", async () => {
    const { headers } = await http(node, "/made-static/");
    expect(headers).toMatchObject({ "cache-control": "max-age=0, must-revalidate" });
    expect(headers["x-silver-release"]).toMatch(/^made-static 0\.1\.0-[0-9a-f]{8}\.[0-9a-f]{8}$/);
    expect(headers).not.toHaveProperty("last-modified");
    expect(headers).not.toHaveProperty("x-silver-static");
    const again = await http(node, "/made-static/", { "If-None-Match": headers.etag ?? "" });
    expect(again).toMatchObject({ status: 304, body: "" });
    expect(await http(node, "/made-static")).toMatchObject({
      status: 302,
      headers: { location: `http://${node.address}/made-static/` },
    });
    expect(await http(node, "/made-static/gone")).toMatchObject({ status: 404 });
    expect(await http(node, "/made-static/../app.yaml")).toMatchObject({ status: 404 });
    expect(await http(node, "/made-static/%2e%2e/app.yaml")).toMatchObject({ status: 404 });
  });

  test("runs Apache alone, as its own user, without mod_wsgi", async () => {
    const wsgi = (site: string) =>
      onNode(`for pid in $(pgrep -u ${site} apache2); do grep -c mod_wsgi.so /proc/$pid/maps || true; done | sort -u`);
    expect((await wsgi("site-made-static")).output).toBe("0\n");
    expect((await wsgi("site-made-flask")).output).not.toContain("0\n");
    // cat takes the log.
    expect((await onNode("ps -u site-made-static -o comm= | sort -u")).output).toBe("apache2\ncat\n");
    const other = await onNode("runuser -u site-made-flask -- cat /srv/silver/made-static/releases/*/app/static/index.html");
    expect(other.code).not.toBe(0);
    expect(other.output).toContain("Permission denied");
  });

  test("keeps its old files when the new ones do not pass the check", async () => {
    const before = (await http(node, "/made-static/")).headers.etag;
    project.engine.write({ [index]: "<p>no heading\n" });
    const broken = await project.sh("silver up");
    expect(broken.code).toBe(1);
    expect(broken.output).toContain("the body does not contain '<h1>'");
    expect((await http(node, "/made-static/")).headers.etag).toBe(before);
    project.engine.write({ [index]: "<h1>new</h1>\n" });
    const { code, output } = await project.sh("silver up");
    expect(code, output).toBe(0);
    const after = await http(node, "/made-static/");
    expect(after.body).toBe("<h1>new</h1>\n");
    expect(after.headers.etag).not.toBe(before);
  });
});

// apps/links on a real node: PHP on MySQL, as its visitors see it.
import { spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { betweenLooks, http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

const environment = (os: string) => `nodes:
  web1: { local: true, os: ${os}, roles: [web] }
sites:
  links: { app: apps/links, nodes: [web1], locations: ["links.test/shared"] }
`;

let project: Project;
let node: TestNode;

const headers = { Host: "links.test" };
const page = async () => (await http(node, "/shared/", headers)).body;

/** As a form is sent. */
const post = (path: string, fields: Record<string, string>, more: Record<string, string> = {}) => {
  const sent = { ...headers, "Content-Type": "application/x-www-form-urlencoded", ...more };
  return http(node, `/shared/${path}`, sent, Buffer.from(new URLSearchParams(fields).toString()));
};
const share = (address: string, title: string, more?: Record<string, string>) => post("links", { address, title }, more);

/** Titles and their votes, as they stand on the page. */
const links = async () =>
  [...(await page()).matchAll(/▲ (\d+)<.*?<a href="([^"]*)"[^>]*>(.*?)<\/a>/g)].map(([, votes, address, title]) => [
    Number(votes),
    address,
    title,
  ]);

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({ "stacks/test.yaml": environment(os) });
    cpSync(resolve("apps/links"), join(project.root, "apps/links"), { recursive: true });
    await project.prepare("web1", { os });
  });

  afterAll(async () => {
    await project.remove();
  });

  test("it serves, with a page that is styled and has no link yet", async () => {
    await project.engine.up();
    node = await project.node("web1");
    expect(await page()).toContain("None yet.");
    expect((await http(node, "/shared/links.css", headers)).headers["content-type"]).toMatch(/^text\/css/);
  });

  test("links are shared and voted for, whatever characters they have", async () => {
    const shared = await share("https://acme.net/?a=1&b=2", "Dolphins 🐬 & <b>Größe</b>");
    expect([shared.status, shared.headers.location]).toEqual([303, "/shared/"]);
    await share("http://acme.org", "Second");
    const [vote] = /\/shared\/links\/\d+\/vote(?=[^▲]*▲ 0<.*Dolphins)/.exec(await page()) ?? [""];
    expect((await post(vote.replace("/shared/", ""), {})).status).toBe(303);
    expect(await links()).toEqual([
      [1, "https://acme.net/?a=1&amp;b=2", "Dolphins 🐬 &amp; &lt;b&gt;Größe&lt;/b&gt;"],
      [0, "http://acme.org", "Second"],
    ]);
  });

  test.each([
    ["javascript:alert(1)", "x", 400],
    ["https://", "x", 400],
    [`https://acme.net/${"a".repeat(2000)}`, "x", 400],
    ["https://acme.net", " ", 400],
    ["https://acme.net", "é".repeat(201), 400],
  ])("a link to %s with the title %s is refused", async (address, title, status) => {
    expect((await share(address, title)).status).toBe(status);
  });

  test("what stands on another site, or votes for nothing, is refused", async () => {
    expect((await share("https://acme.net", "x", { Origin: "https://evil.test" })).status).toBe(403);
    expect((await share("https://acme.net/own", "Own", { Origin: "http://links.test" })).status).toBe(303);
    expect((await post("links/999999/vote", {})).status).toBe(404);
    expect((await http(node, "/shared/nothing", headers)).status).toBe(404);
  });

  test("links outlive a new version and a reboot", async () => {
    const before = await links();
    project.edit("apps/links/app.yaml", "version: 1.0.0", "version: 1.1.0");
    await project.engine.up();
    expect(await links()).toEqual(before);
    await reboot(node);
    await poll("it serves", 60, async () => (await http(node, "/shared/", headers)).status === 200);
    expect(await links()).toEqual(before);
  });

  test("a command in PHP reaches the database by the same names", () => {
    const run = `<?php require "src/store.php"; echo (new Store())->count();`;
    const silver = spawnSync(process.execPath, ["cli/main.ts", "-e", "test", "run", "links", "--", "php"], {
      cwd: project.root,
      env: project.engine.environment,
      input: run,
      encoding: "utf8",
    });
    expect(silver.stdout, silver.stderr).toBe("3");
  });

  test("one that is over its quota can be read, and says why it takes no more", async () => {
    project.edit("apps/links/app.yaml", "quota: 256M", "quota: 16M");
    project.edit("apps/links/app.yaml", "version: 1.1.0", "version: 1.2.0");
    await project.engine.up();
    const before = await links();
    await betweenLooks();
    const fill = "INSERT INTO links (address, title) SELECT repeat(md5(seq), 60), '' FROM seq_1_to_12000;";
    await ssh(
      node,
      "runuser -u site-links -- mariadb --no-defaults --socket=/run/silver/mysql-links-g1/mysqld.sock links_g1",
      fill,
    );
    await ssh(node, "silver-agent measure </dev/null");
    const refused = await share("https://acme.net/more", "More");
    expect([refused.status, refused.body]).toEqual([507, "There is no room for more links. Those that are here can be read.\n"]);
    expect((await links()).slice(0, 1)).toEqual(before.slice(0, 1));
  });
});

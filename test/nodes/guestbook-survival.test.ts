// A year in the life of the guestbook, within minutes: whatever happens to its node or its code, what it took it has.
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { cloneOf } from "../../components/machines/clone.ts";
import { listNodes } from "../../components/machines/local-machine.ts";
import { filesOf } from "../../components/machines/node-disk.ts";
import { visitor } from "../support/load.ts";
import type { Visitor } from "../support/load.ts";
import { http, poll, ssh } from "../support/nodes.ts";
import type { Answer, TestNode } from "../support/nodes.ts";
import { resourceCounts, withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { requirements } from "../support/requirements.ts";
import { testOs } from "../support/systems.ts";

const checkout = resolve(import.meta.dirname, "../..");
const machines = `nodes:\n  web1: { local: true, os: ${testOs}, roles: [web] }\n`;
const environment = `${machines}sites:\n  guestbook: { app: apps/guestbook, nodes: [web1], locations: ["*/guestbook"] }\n`;
const pages = "apps/guestbook/src/guestbook/pages.py";
const picture = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), randomBytes(300_000)]);

let project: Project;
let node: TestNode;
/** What the book said it has taken. */
const acknowledged: string[] = [];
let title = "Guestbook";

beforeAll(async () => {
  project = await withProject({ "stacks/test.yaml": environment, "stacks/dev.yaml": environment });
  for (const path of ["apps/guestbook", "scripts/local-nodes.ts", "scripts/dev-system.ts"])
    cpSync(join(checkout, path), join(project.root, path), { recursive: true });
  await project.prepare("web1");
});

afterAll(async () => {
  await project.remove();
});

/** Fills the form in and sends it, as one reader with one page open. */
type Reader = (words: string, image?: Buffer) => Promise<Answer>;

async function reader(): Promise<Reader> {
  const { headers, body } = await http(node, "/guestbook/");
  const token = /name="token" value="(\w+)"/.exec(body)?.[1] ?? "";
  const cookie = /^[^;]+/.exec(headers["set-cookie"]?.[0] ?? "")?.[0] ?? "";
  return async (words, image) => {
    const form = new FormData();
    for (const [name, value] of Object.entries({ token, name: "Reader", message: words })) form.append(name, value);
    if (image !== undefined) form.append("picture", new Blob([new Uint8Array(image)]), "picture.png");
    const encoded = new Response(form);
    const type = encoded.headers.get("content-type") ?? "";
    const sent = Buffer.from(await encoded.arrayBuffer());
    const answer = await http(
      node,
      "/guestbook/",
      { Cookie: cookie, "Content-Type": type, "Content-Length": String(sent.length) },
      sent,
    );
    if (answer.status === 303) acknowledged.push(words);
    return answer;
  };
}

/** A reader who looks, and one who signs, ten times a second each. */
async function readers(round: string): Promise<{ looks: Visitor; signs: Visitor }> {
  const sign = await reader();
  const both = {
    looks: visitor(() => http(node, "/guestbook/"), 10),
    signs: visitor((turn) => sign(`${round} ${turn}`), 10),
  };
  onTestFinished(async () => {
    await Promise.all([both.looks.stop(), both.signs.stop()]);
  });
  return both;
}

/** A page's status and title. */
const titleOf = ({ status, body }: Answer) => `${status} ${/<h1>(.*)<\/h1>/.exec(body)?.[1] ?? body}`;

/** What stands in the database, sorted. */
async function rows(): Promise<string[]> {
  const told = await ssh(
    node,
    `runuser -u site-guestbook -- psql -w -At -h /run/silver/pg-guestbook-g1 -d guestbook_g1 -c 'SELECT message FROM entry ORDER BY message COLLATE "C"'`,
  );
  return told.split("\n");
}

/** The page shows its title, its newest entry and the picture, byte by byte; and no acknowledged row is missing or doubled. */
async function expectWhole(): Promise<void> {
  expect(await rows()).toEqual(acknowledged.toSorted());
  const { status, body } = await http(node, "/guestbook/");
  expect(status).toBe(200);
  expect(body).toContain(`<h1>${title}</h1>`);
  expect(body).toContain(`<p class="words" dir="auto">${acknowledged.at(-1) ?? ""}</p>`);
  const digest = createHash("sha256").update(picture).digest("hex");
  const shown = await fetch(`http://${node.address}/guestbook/pictures/${digest}.png`, { headers: { Connection: "close" } });
  expect(
    createHash("sha256")
      .update(Buffer.from(await shown.arrayBuffer()))
      .digest("hex"),
  ).toBe(digest);
}

test("the book opens, and accepts an entry and a picture", async () => {
  expect(await project.engine.up()).toContain("guestbook: live.");
  node = await project.node("web1");
  const sign = await reader();
  expect((await sign("with a picture", picture)).status).toBe(303);
  await expectWhole();
});

test("ten deploys under load: no page and no entry fails, none is lost, none is there twice", async () => {
  const { looks, signs } = await readers("deploys");
  const titles = [title];
  for (let deploy = 1; deploy <= 10; deploy++) {
    project.edit(pages, `TITLE = "${title}"`, `TITLE = "Guestbook ${deploy}"`);
    title = `Guestbook ${deploy}`;
    titles.push(title);
    expect(await project.engine.up()).toContain("guestbook: live.");
  }
  const seen = (await looks.stop()).map(titleOf);
  expect([...new Set(seen)]).toEqual(titles.map((shown) => `200 ${shown}`));
  expect(new Set((await signs.stop()).map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(["303 "]));
  expect(signs.answers.length).toBeGreaterThan(100);
  await expectWhole();
});

test("a broken release: the book keeps working, for readers and for writers", async () => {
  const { looks, signs } = await readers("broken");
  project.edit("apps/guestbook/src/guestbook/store.py", "import psycopg2\n", "import psycopg2, psycopg9\n");
  expect(await project.engine.upFails()).toContain("ModuleNotFoundError: No module named 'psycopg9'");
  project.edit("apps/guestbook/src/guestbook/store.py", "import psycopg2, psycopg9\n", "import psycopg2\n");
  expect(new Set((await looks.stop()).map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set((await signs.stop()).map(({ status }) => status))).toEqual(new Set([303]));
  await expectWhole();
});

test("power is cut while people sign; when the nodes are started again every entry that was acknowledged is there", async () => {
  const clone = cloneOf(project.root);
  const { looks, signs } = await readers("power");
  await poll("some have signed", 30, () => signs.answers.length > 20);
  process.kill(Number(readFileSync(filesOf(clone, "web1").nspawnPid, "utf8")), "SIGKILL");
  await poll("the node is down", 20, async () => (await listNodes(clone)).every(({ running }) => !running));
  await Promise.all([looks.stop(), signs.stop()]);
  // As `npm run up` does it, before it runs pulumi.
  const started = await promisify(execFile)(process.execPath, ["scripts/local-nodes.ts"], { cwd: project.root });
  expect(started.stdout).toMatch(/✓ Node web1/);
  await poll("the book answers", 60, async () => (await http(node, "/guestbook/")).status === 200);
  // The one under way may have been taken without anybody being told.
  const untold = `power ${signs.answers.findIndex(({ status }) => status !== 303)}`;
  if ((await rows()).includes(untold)) acknowledged.push(untold);
  await expectWhole();
  expect(resourceCounts(await project.engine.up())).toEqual([expect.stringMatching(/^\d+ unchanged$/)]);
});

test("an upgrade of its libraries, those it brings and those it lists, comes with a release, whole, under load", async () => {
  const libraries = (version: number, listed: Parameters<typeof requirements>[0]) => {
    project.engine.write({
      "apps/guestbook/requirements.txt": requirements(listed),
      "apps/guestbook/lib/python/plaque/__init__.py":
        "from importlib.metadata import version\nimport six\nfrom plaque.engraved import BY\n" +
        'TEXT = f"Engraved by version {BY}, with six {version(six.__name__)}"\n',
      "apps/guestbook/lib/python/plaque/engraved.py": `BY = ${version}\n`,
    });
  };
  libraries(1, "six==1.16.0");
  project.edit(pages, `TITLE = "${title}"`, "from plaque import TEXT as TITLE");
  await project.engine.up();
  const { looks, signs } = await readers("library");
  libraries(2, "six==1.17.0");
  await project.engine.up();
  const seen = (await looks.stop()).map(titleOf);
  expect([...new Set(seen)]).toEqual([
    "200 Engraved by version 1, with six 1.16.0",
    "200 Engraved by version 2, with six 1.17.0",
  ]);
  expect(new Set((await signs.stop()).map(({ status }) => status))).toEqual(new Set([303]));
  title = "Engraved by version 2, with six 1.17.0";
  await expectWhole();
});

test("taken out of the environment and put back in it has its entries and its pictures", async () => {
  project.engine.write({ "stacks/test.yaml": `${machines}sites: {}\n` });
  await project.engine.up();
  expect((await http(node, "/guestbook/")).status).toBe(404);
  project.engine.write({ "stacks/test.yaml": environment });
  await project.engine.up();
  await expectWhole();
});

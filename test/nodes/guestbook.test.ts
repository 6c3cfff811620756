// The guestbook as a person sees it: a real browser, a real node, and hello beside it, as `npm run up` has them.
import { randomBytes } from "node:crypto";
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBrowser } from "../support/browser.ts";
import type { Browser } from "../support/browser.ts";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

const checkout = resolve(import.meta.dirname, "../..");
const environment = (os: string) => `nodes:
  web1: { local: true, os: ${os}, roles: [web] }
sites:
  hello: { app: apps/hello, nodes: [web1], locations: ["*"] }
  guestbook: { app: apps/guestbook, nodes: [web1], locations: ["*/guestbook"] }
`;

const files = "/srv/silver/guestbook/data/g1";
/** As it is left where an entry could not be kept. */
const lost = `${files}/${"0".repeat(64)}.png`;

/** As the measuring timer ends them. */
const endSessions = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'site-guestbook'";
const psql = (node: TestNode, sql: string) =>
  ssh(node, "runuser -u pg-guestbook -- psql -qAt -h /run/silver/pg-guestbook-g1 -U postgres", sql);

let project: Project;
let browser: Browser;
let node: TestNode;
let book: string;

interface Words {
  name: string;
  message: string;
  /** Path of a file, or a picture made up here. */
  picture?: string | { name: string; mimeType: string; buffer: Buffer };
}

/** Fills the form in and sends it. */
async function sign({ name, message, picture }: Words): Promise<void> {
  const { page } = browser;
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Your words").fill(message);
  if (picture !== undefined) await page.getByLabel("A picture").setInputFiles(picture);
  // The browser's own rules are no answer of ours.
  await page.evaluate("document.forms[0].noValidate = true");
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().isNavigationRequest() && response.status() !== 303),
    page.getByRole("button", { name: "Sign the book" }).click(),
  ]);
  await answer.finished();
  await page.waitForLoadState();
}

/** What each entry says, newest first, and whether its picture is shown. */
async function entries(): Promise<{ words: string; name: string; shown: boolean }[]> {
  const found = await browser.page.getByRole("article").all();
  return await Promise.all(
    found.map(async (entry) => {
      await entry.scrollIntoViewIfNeeded();
      const image = entry.getByRole("img");
      return {
        words: await entry.locator(".words").innerText(),
        name: await entry.locator("bdi").innerText(),
        shown: (await image.count()) === 1 && (await image.evaluate(isWhole)),
      };
    }),
  );
}

/** What is asked of the browser's image elements; the types of its own world are not loaded here. */
interface ImageElement {
  decode: () => Promise<void>;
  naturalWidth: number;
}

/** In the browser: an image that was loaded and decoded. */
async function isWhole(element: unknown): Promise<boolean> {
  const image = element as ImageElement;
  await image.decode();
  return image.naturalWidth === 720;
}

/** A landscape, drawn by the browser itself. */
async function landscape(): Promise<Buffer> {
  const page = await browser.page.context().newPage();
  const hill = (path: string, colour: string) => `<path d="${path}" fill="${colour}"/>`;
  await page.setContent(`<body style="margin:0"><svg viewBox="0 0 720 380" width="720" height="380">
    <linearGradient id="sky" x2="0" y2="1"><stop stop-color="#fbd6b2"/><stop offset="1" stop-color="#c78fa3"/></linearGradient>
    <rect width="720" height="380" fill="url(#sky)"/><circle cx="520" cy="110" r="44" fill="#fff3d8"/>
    ${hill("M0 215C90 260 170 225 270 240S430 150 520 180 650 210 720 250V380H0Z", "#96788f")}
    ${hill("M0 290C80 220 130 235 210 260S330 290 420 275 540 200 720 285V380H0Z", "#695c80")}
    ${hill("M0 300C60 250 120 320 200 315S330 265 420 305 600 255 720 335V380H0Z", "#3e4262")}</svg>`);
  const picture = await page.locator("svg").screenshot();
  await page.close();
  return picture;
}

const ada = { name: "Ada & Charles", message: "An engine that weaves <b>patterns</b>,\nas the loom weaves leaves." };
const kept = { words: ada.message, name: ada.name, shown: true };

const mistakes: [string, number, Words, string][] = [
  ["no name", 422, { name: " ", message: "Words" }, "Please give a name"],
  ["no words", 422, { name: "Ada", message: "\n" }, "Please leave some words"],
  [
    "a file that is no picture",
    415,
    { name: "Ada", message: "Words", picture: import.meta.filename },
    "not a picture of a known kind",
  ],
  [
    "a picture that is too large",
    413,
    {
      name: "Ada",
      message: "Words",
      picture: { name: "large.png", mimeType: "image/png", buffer: randomBytes(6 * 1024 ** 2) },
    },
    "5 MB at most",
  ],
];

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    // First, so that no project is left behind where there is no browser.
    browser = await openBrowser();
    project = await withProject({ "stacks/test.yaml": environment(os) });
    for (const app of ["apps/hello", "apps/guestbook"]) cpSync(join(checkout, app), join(project.root, app), { recursive: true });
    await project.prepare("web1", { os });
  });

  afterAll(async () => {
    await browser.close();
    await project.remove();
  });

  test("pulumi up serves hello at / and the book below /guestbook of the same node", async () => {
    const output = await project.engine.up();
    expect(output).toContain("guestbook: live.");
    node = await project.node("web1");
    book = `http://${node.address}/guestbook`;
    expect((await http(node, "/")).headers["x-silver-release"]).toMatch(/^hello /);
    await browser.page.goto(book);
    expect(browser.page.url()).toBe(`${book}/`);
    expect(await browser.page.title()).toBe("Guestbook");
    expect(await browser.page.getByText("Nobody has signed yet").isVisible()).toBe(true);
    expect(await entries()).toEqual([]);
  });

  test("an entry with a picture shows both, once, however often the page is reloaded", async () => {
    const picture = { name: "hills.png", mimeType: "image/png", buffer: await landscape() };
    await sign({ name: "Grace", message: "The first visitor." });
    await sign({ ...ada, picture });
    expect(browser.page.url()).toMatch(/\/guestbook\/#entry-2$/);
    const both = [kept, { words: "The first visitor.", name: "Grace", shown: false }];
    expect(await entries()).toEqual(both);
    await browser.page.reload();
    expect(await entries()).toEqual(both);
    // Nothing on the way was missing, refused by the page's own policy, or an error.
    expect(browser.complaints).toEqual([]);
    if (process.env.UPDATE_GOLDEN !== undefined) {
      await browser.page.goto(`${book}/`);
      await browser.page.screenshot({ path: join(checkout, "docs/guestbook.png"), fullPage: true });
    }
  });

  test("its worker makes a thumbnail of the picture, and leaves as it is what it can't read", async () => {
    const [thumbnail = ""] = /thumbnails\/\w+\.png/.exec((await http(node, "/guestbook/")).body) ?? [];
    const kind = async () => (await http(node, `/guestbook/${thumbnail}`)).headers["content-type"];
    await poll("the thumbnail is there", 30, async () => (await kind()) === "image/webp");
    expect((await entries())[0]).toEqual(kept);
    await ssh(node, `runuser -u site-guestbook -- sh -c 'echo broken >${lost} && touch -d "2 days ago" ${lost}'`);
    const said = () => ssh(node, "journalctl -o cat -u 'silver-worker-guestbook.*'");
    await poll("it has tried", 30, async () => (await said()).includes("There is no thumbnail of 000"));
    await poll("it goes on", 30, async () => (await ssh(node, "systemctl is-active 'silver-worker-guestbook.*'")) === "active");
  });

  test("its job takes away what no entry shows, and nothing else", async () => {
    const [, release = ""] = (await http(node, "/guestbook/")).headers["x-silver-release"]?.toString().split(" ") ?? [];
    await ssh(node, `systemctl start silver-cron-guestbook.tidy@${release}.service`);
    const said = () => ssh(node, "journalctl -o cat -u 'silver-job-guestbook.*'");
    await poll("it has ended", 30, async () => (await said()).includes("taken away: 1"));
    expect(await ssh(node, `ls ${lost} 2>/dev/null || true`)).toBe("");
    expect((await entries())[0]).toEqual(kept);
  });

  test.each(mistakes)("%s is answered in words, and nothing typed is lost", async (_, status, words, told) => {
    const answered = browser.page.waitForResponse((response) => response.request().method() === "POST");
    await sign(words);
    expect((await answered).status()).toBe(status);
    expect(await browser.page.getByRole("alert").innerText()).toContain(told);
    expect(await browser.page.getByLabel("Your name").inputValue()).toBe(words.name);
    expect(await browser.page.getByLabel("Your words").inputValue()).toBe(words.message);
    expect(await entries()).toHaveLength(2);
  });

  test("a form from an outdated page is shown once more, and then accepted", async () => {
    await browser.page.goto(`${book}/`);
    await browser.page.context().clearCookies();
    const words = { name: "Old page", message: "Sent twice, signed once." };
    await sign(words);
    expect(await browser.page.getByRole("alert").innerText()).toContain("too old");
    expect(await entries()).toHaveLength(2);
    await browser.page.getByRole("button", { name: "Sign the book" }).click();
    await browser.page.waitForURL("**/#entry-3");
    expect((await entries())[0]).toEqual({ words: words.message, name: words.name, shown: false });
  });

  test("a book without room for pictures still accepts entries", async () => {
    await ssh(node, `dd if=/dev/zero of=${files}/fill bs=1M 2>/dev/null || true`);
    const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), randomBytes(1024 ** 2)]);
    await sign({ name: "Late", message: "With a picture.", picture: { name: "a.png", mimeType: "image/png", buffer: png } });
    expect(await browser.page.getByRole("alert").innerText()).toContain("no room for another picture");
    await sign({ name: "Late", message: "Without one, then." });
    expect((await entries())[0]).toEqual({ words: "Without one, then.", name: "Late", shown: false });
    await ssh(node, `rm ${files}/fill`);
  });

  test("while its database is stopped the book says so and keeps what was typed; afterwards it recovers on its own", async () => {
    await ssh(node, "systemctl stop silver-postgres-guestbook@g1");
    await sign({ name: "Patient", message: "Can you hear me?" });
    expect(await browser.page.getByRole("alert").innerText()).toContain("can't be opened right now");
    expect(await browser.page.getByLabel("Your words").inputValue()).toBe("Can you hear me?");
    await ssh(node, "systemctl start silver-postgres-guestbook@g1");
    await browser.page.getByRole("button", { name: "Sign the book" }).click();
    await browser.page.waitForURL("**/#entry-*");
    expect((await entries())[0]).toEqual({ words: "Can you hear me?", name: "Patient", shown: false });
  });

  test("while its database can only be read the book is shown, and keeps what was typed", async () => {
    const before = await entries();
    const readOnly = (words: string) =>
      psql(node, `ALTER ROLE "site-guestbook" IN DATABASE guestbook_g1 ${words}; ${endSessions}`);
    await readOnly("SET default_transaction_read_only = on");
    await sign({ name: "Late", message: "Is there room for me?" });
    expect(await browser.page.getByRole("alert").innerText()).toContain("can't be opened right now");
    expect(await browser.page.getByLabel("Your words").inputValue()).toBe("Is there room for me?");
    expect(await entries()).toEqual(before);
    await readOnly("RESET default_transaction_read_only");
    await browser.page.getByRole("button", { name: "Sign the book" }).click();
    await browser.page.waitForURL("**/#entry-*");
    expect((await entries())[0]).toEqual({ words: "Is there room for me?", name: "Late", shown: false });
  });

  test("a redeploy with another title keeps every entry and picture", async () => {
    const before = await entries();
    project.edit("apps/guestbook/src/guestbook/pages.py", 'TITLE = "Guestbook"', 'TITLE = "Friends & visitors"');
    expect(await project.engine.up()).toContain("guestbook: live.");
    await browser.page.goto(`${book}/`);
    expect(await browser.page.title()).toBe("Friends & visitors");
    expect(await entries()).toEqual(before);
    expect(before).toContainEqual(kept);
  });

  test("after a reboot of the node the book is as it was", async () => {
    const before = await entries();
    await reboot(node);
    await poll("the book answers", 60, async () => (await http(node, "/guestbook/")).status === 200);
    await browser.page.goto(`${book}/`);
    expect(await entries()).toEqual(before);
    await sign({ name: "Grace", message: "Back again." });
    expect((await entries())[0]).toEqual({ words: "Back again.", name: "Grace", shown: false });
  });
});

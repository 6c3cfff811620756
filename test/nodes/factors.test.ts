// apps/factors on a real node: Django with Redis as its cache and as the queue of its worker.
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import type { Answer, TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

const environment = (os: string) => `nodes:
  web1: { local: true, os: ${os}, roles: [web] }
sites:
  factors: { app: apps/factors, nodes: [web1], locations: ["factors.test/of"] }
`;

/** Some seconds of work each. */
const large = ["891000000019170000000091", "998900100103907700001183", "901082152034440070109419"];

let project: Project;
let node: TestNode;

/** As a reader with one page open. */
async function ask(number: string, more: Record<string, string> = {}): Promise<Answer> {
  const form = await http(node, "/of/", { Host: "factors.test" });
  const token = /name="csrfmiddlewaretoken" value="(\w+)"/.exec(form.body)?.[1] ?? "";
  const cookie = /^[^;]+/.exec(form.headers["set-cookie"]?.[0] ?? "")?.[0] ?? "";
  const fields = new URLSearchParams({ csrfmiddlewaretoken: token, number, ...more });
  const type = "application/x-www-form-urlencoded";
  return await http(node, "/of/", { Host: "factors.test", Cookie: cookie, "Content-Type": type }, Buffer.from(fields.toString()));
}

const page = (number: string) => http(node, `/of/${number}`, { Host: "factors.test" });
const factors = async (number: string) => / = ([\d ·]+?)\s*</.exec((await page(number)).body)?.[1];
const found = (number: string) => poll(`${number} is done`, 60, async () => (await page(number)).status === 200);

const redis = (words: string) =>
  ssh(node, `runuser -u site-factors -- redis-cli -s /run/silver/redis-factors-g1/socket ${words}`);
const signal = (name: string) => ssh(node, `systemctl kill --kill-whom=main -s ${name} 'silver-worker-factors.finder-1@*'`);
const release = async () => String((await page("")).headers["x-silver-release"]).split(" ")[1] ?? "";
/** The numbers that the worker of a release has found, in order. */
const foundBy = async (id: string) => {
  const lines = await ssh(node, `journalctl -o cat -u 'silver-worker-factors.finder-1@${id}.service'`);
  return [...lines.matchAll(/^(\d+) = /gm)].map(([, number]) => number);
};

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({ "stacks/test.yaml": environment(os) });
    cpSync(resolve("apps/factors"), join(project.root, "apps/factors"), { recursive: true });
    await project.prepare("web1", { os });
  });

  afterAll(async () => {
    await project.remove();
  });

  test("it serves, with a page that is styled, and refuses what is not a number", async () => {
    await project.engine.up();
    node = await project.node("web1");
    const [, sheet = ""] = /rel="stylesheet" href="([^"]*)"/.exec((await page("")).body) ?? [];
    expect((await http(node, sheet, { Host: "factors.test" })).headers["content-type"]).toMatch(/^text\/css/);
    for (const wrong of ["", "0", "-1", "<b>", "1".repeat(25)]) expect((await ask(wrong)).status).toBe(422);
    expect((await ask("12", { csrfmiddlewaretoken: "x" })).status).toBe(403);
    expect((await page("12")).status).toBe(404);
  });

  test.each([
    ["12", "2 · 2 · 3"],
    ["1", "1"],
    ["999 999 999 989", "999999999989"],
    ["891000000019170000000091", "900000000013 · 990000000007"],
  ])("its worker finds the factors of %s", async (number, expected) => {
    const asked = await ask(number);
    const plain = number.replaceAll(" ", "");
    expect([asked.status, asked.headers.location]).toEqual([302, `/of/${plain}`]);
    await found(plain);
    expect(await factors(plain)).toBe(expected);
  });

  test("what was found is cached in Redis for a day: asked for once more, the worker has nothing to do", async () => {
    expect(Number(await redis("ttl :1:factors-12"))).toBeGreaterThan(23 * 60 * 60);
    await signal("STOP");
    await ask("12");
    expect(await factors("12")).toBe("2 · 2 · 3");
    await signal("CONT");
    expect((await foundBy("*")).filter((number) => number === "12")).toEqual(["12"]);
  });

  test("a number that a killed worker had in hand is not lost", async () => {
    const [, number = ""] = large;
    await signal("STOP");
    await ask(number);
    // As the worker would that is killed in the middle.
    await signal("KILL");
    await redis("lmove queue-waiting queue-in-hand right left");
    await found(number);
    expect(await redis("llen queue-in-hand")).toBe("0");
  });

  test("a rollout keeps the queue, and hands it over from one worker to the next", async () => {
    const old = await release();
    await signal("STOP");
    const numbers = Array.from({ length: 12 }, (_, index) => String(10n ** 20n + BigInt(index)));
    for (const number of numbers) await ask(number);
    // What Redis gives to one that has stopped while it waited is in its hand.
    const counts = [await redis("llen queue-waiting"), await redis("llen queue-in-hand")].map(Number);
    expect(counts.reduce((one, other) => one + other)).toBe(12);
    project.edit("apps/factors/app.yaml", "version: 1.0.0", "version: 1.1.0");
    project.edit("apps/factors/src/factors/views.py", 'TITLE = "Prime factors"', 'TITLE = "Factors"');
    await project.engine.up();
    for (const number of numbers) await found(number);
    const next = await release();
    expect(next).not.toBe(old);
    const [before, after] = [await foundBy(old), await foundBy(next)];
    // Told to end, the old one goes on with what it has in hand at most.
    expect(before.filter((number) => numbers.includes(number ?? "")).length).toBeLessThan(2);
    expect([...before, ...after].filter((number) => numbers.includes(number ?? ""))).toEqual(numbers);
    expect(await ssh(node, "systemctl list-units --plain --no-legend --state=active 'silver-worker-factors.*'")).toMatch(
      new RegExp(`^silver-worker-factors\\.finder-1@${next}\\.service [^\\n]*$`),
    );
  });

  test("what waits outlives a reboot", async () => {
    const [, , number = ""] = large;
    await signal("STOP");
    await ask(number);
    // Redis writes down what it has within a second.
    await ssh(node, "sleep 1.5");
    await reboot(node);
    await poll("it serves", 60, async () => (await page("")).status === 200);
    await found(number);
    expect(await factors(number)).toBe("912345678917 · 987654321007");
  });
});

// `silver heal` on a real node: whatever a site and its node have lost is back without a new release, and the neighbour serves meanwhile.
import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { visitor } from "../support/load.ts";
import { betweenLooks, http, poll, reboot, ssh, trySsh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

const app = `import os, psycopg2

def application(environ, start_response):
    with open(os.path.join(os.environ["CONFIG_FILES"], "kept"), "a") as file:
        file.write("x")
    psycopg2.connect(os.environ["CONFIG_PG_SQLALCHEMY"]).close()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"whole"]
`;
const manifest = (name: string) => `name: ${name}
version: 1.0.0
runner: wsgi.py
packages: [python3-psycopg2]
services: {db: {type: postgres}, files: {quota: 32M}}
processes: {count: 1}
check: {path: /, body: whole, within: 10s}
`;
const site = (name: string) => `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test] }\n`;

let project: Project;
let node: TestNode;

beforeAll(async () => {
  project = await withProject({
    ...Object.fromEntries(
      ["lost", "calm"].flatMap((name) => [
        [`apps/${name}/app.yaml`, manifest(name)],
        [`apps/${name}/wsgi.py`, app],
      ]),
    ),
    "stacks/test.yaml": `nodes:\n  web1: { local: true, os: ${testOs}, roles: [web] }\nsites:\n${site("lost")}${site("calm")}`,
  });
  await project.prepare("web1");
  await project.engine.up();
  node = await project.node("web1");
});

afterAll(async () => {
  await project.remove();
});

/** What the command says, and its exit code. It must not hold up the visitors of this process. */
function silver(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ["cli/main.ts", "-e", "test", ...words], {
    cwd: project.root,
    env: project.engine.environment,
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((done) => {
    child.on("close", (code) => {
      done({ code, out, err });
    });
  });
}

const get = (name: string) => http(node, "/", { Host: `${name}.test` });
const heals = async (expected: readonly RegExp[]) => {
  const healed = await silver("heal");
  expect(healed.code, healed.out + healed.err).toBe(0);
  for (const line of expected) expect(healed.out).toMatch(line);
  expect((await get("lost")).body).toBe("whole");
  expect((await silver("status")).code).toBe(0);
};

const losses: [what: string, lose: string, told: RegExp[]][] = [
  [
    "a site's unit files, its links, and the processes",
    "for unit in /etc/systemd/system/silver-web-lost@*; do systemctl kill --signal=KILL $(basename $unit); rm -f $unit; done; " +
      "rm -f /etc/systemd/system/multi-user.target.wants/silver-web-lost@*; systemctl daemon-reload; systemctl stop 'silver-web-lost@*'",
    [/^\+ lost on web1: silver-web-lost@.*: missing$/m],
  ],
  [
    "its data's mount, its logs' and its database's server",
    "systemctl stop 'silver-web-lost@*'; systemctl stop srv-silver-lost-data-g1.mount var-log-silver-lost.mount silver-postgres-lost@g1.service",
    [/^\+ lost on web1: srv-silver-lost-data-g1\.mount/m, /var-log-silver-lost\.mount/, /silver-postgres-lost@g1/],
  ],
  [
    "its VCL, and where its label leads",
    "truncate -s 0 /var/lib/silver/varnish/r_lost_*.vcl; varnishadm vcl.label site_lost $(varnishadm vcl.list | grep -o 's503[^ ]*$' | head -n 1)",
    [/^\+ web1: .*\/r_lost_.*\.vcl: content differs$/m, /site_lost: was s503_\w+, now r_lost_/],
  ],
  [
    "the routes of its node, the firewall, and the units of the platform",
    "truncate -s 0 /etc/silver/varnish/top.vcl; nft delete table inet silver; rm /etc/systemd/system/silver-measure.*; systemctl daemon-reload",
    [/^\+ web1: \/etc\/silver\/varnish\/top\.vcl/m, /^\+ web1: .*silver-measure\.timer/m],
  ],
];

test.each(losses)("%s are put back, and the neighbour's visitors notice nothing", async (_what, lose, told) => {
  const calm = visitor(() => get("calm"));
  // The timer puts some of it back, too.
  await betweenLooks();
  await ssh(node, lose);
  expect((await silver("status")).code).toBe(1);
  await heals(told);
  expect(new Set((await calm.stop()).map(({ status }) => status))).toEqual(new Set([200]));
});

test("a killed server of a database, a killed Varnish and lost mounts come back by themselves", async () => {
  await ssh(
    node,
    "systemctl kill --kill-whom=all --signal=KILL silver-postgres-lost@g1.service varnish.service; " +
      "umount --lazy /srv/silver/lost/data/g1 /var/log/silver/lost",
  );
  const mounted =
    "findmnt --noheadings --output TARGET /srv/silver/lost/data/g1 && findmnt --noheadings --output TARGET /var/log/silver/lost";
  await poll("all of it is back", 120, async () => (await trySsh(node, mounted)).code === 0);
  await poll("the site is whole", 30, async () => (await silver("status")).code === 0);
  expect((await get("lost")).body).toBe("whole");
});

test("what is whole is left alone", async () => {
  const { code, out } = await silver("heal");
  expect(code, out).toBe(0);
  expect(out).not.toMatch(/^\+/m);
});

test("data is as it was, and a reboot finds all of it", async () => {
  const before = await ssh(node, "cat /srv/silver/lost/data/g1/kept | wc -c");
  expect(Number(before)).toBeGreaterThan(3);
  await reboot(node);
  await poll("both answer", 120, async () => {
    const answers = await Promise.all([get("lost"), get("calm")]);
    return answers.every(({ status }) => status === 200);
  });
});

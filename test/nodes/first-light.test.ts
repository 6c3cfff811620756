// The whole way, as a person goes it: manifest and environment → pulumi up → a site on a booted node.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import { greeter } from "../support/greeter.ts";
import { visitor } from "../support/load.ts";
import { resourceCounts as counts, withProject } from "../support/project.ts";
import type { TestNode } from "../support/nodes.ts";
import type { Project } from "../support/project.ts";
import { otherOs, testOs } from "../support/systems.ts";

const environment = (sites: string, os = testOs) => `nodes:\n  web1: { local: true, os: ${os}, roles: [web] }\nsites:\n${sites}`;
const greeterSite = '  greeter: { app: apps/greeter, nodes: [web1], locations: ["*"], config: { API_KEY: { secret: 1 } } }\n';
const secret = "planted-6b1f0a77-value";

let project: Project;
let node: TestNode;

beforeAll(async () => {
  project = await withProject({ ...greeter("first light"), "stacks/test.yaml": environment(greeterSite) });
});

afterAll(async () => {
  await project.remove();
});

test("a secret that is named but not set is refused before anything is made", async () => {
  const output = await project.engine.upFails();
  expect(output).toContain(`site "greeter" names version 1 of the secret API_KEY, which stacks/Pulumi.test.yaml does not have`);
  expect(output).toContain(`pulumi config set --secret --path 'secrets["greeter.API_KEY@1"]'`);
  expect((await project.engine.exportState()).deployment.resources ?? []).not.toContainEqual(
    expect.objectContaining({ type: "command:local:Command" }),
  );
});

test("pulumi up takes a manifest to a site that a real node serves", async () => {
  const set = await project.engine.run("config", "set", "--secret", "--path", 'secrets["greeter.API_KEY@1"]', secret);
  expect(set.code, set.output).toBe(0);
  const output = await project.engine.up();
  expect(output).toContain("greeter: live.");
  node = await project.node("web1");
  expect(output).toContain(`http://${node.address}/`);
  const answer = await http(node, "/");
  expect(answer).toMatchObject({ status: 200, body: "first light" });
  expect(answer.headers["x-silver-release"]).toMatch(/^greeter 1\.0\.0-[0-9a-f]{8}\.[0-9a-f]{8}$/);
});

test("the secret reaches the app, and neither the state nor any output", async () => {
  expect((await http(node, "/variable")).body).toBe(createHash("sha256").update(secret).digest("hex"));
  const exported = JSON.stringify(await project.engine.exportState());
  expect(exported).not.toContain(secret);
  expect(JSON.stringify(await project.engine.exportState("--show-secrets"))).not.toContain("PRIVATE KEY");
  expect(await project.engine.preview("--diff")).not.toContain(secret);
});

test("a second run changes nothing", async () => {
  expect(counts(await project.engine.up())).toEqual(["7 unchanged"]);
});

test("the preview of a new version shows version and release and nothing else", async () => {
  project.edit("apps/greeter/app.yaml", "1.0.0", "1.1.0");
  project.edit("apps/greeter/wsgi.py", "first light", "second light");
  const { steps } = await project.engine.previewJson();
  const changed = steps.filter(({ op }) => op !== "same");
  expect(changed.map(({ urn, op }) => `${op} ${urn.split("::").at(-1) ?? ""}`)).toEqual(["update greeter-rollout"]);
  expect(Object.keys(changed[0]?.detailedDiff ?? {}).sort()).toEqual(["environment.release", "environment.version", "stdin"]);
});

test("up does what the preview showed, and no request fails meanwhile", async () => {
  const said = counts(await project.engine.preview());
  const load = visitor(() => http(node, "/"));
  const did = counts(await project.engine.up()).map((line) => line.replace("updated", "to update"));
  const statuses = (await load.stop()).map(({ status }) => status);
  expect(did).toEqual(said);
  expect((await http(node, "/")).body).toBe("second light");
  expect(statuses.length).toBeGreaterThan(20);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
});

test("a broken release never serves: the old one does, the traceback is told, and the preview still shows old => new", async () => {
  project.edit("apps/greeter/wsgi.py", "import hashlib, os", 'import hashlib, os\nraise RuntimeError("planted at import")');
  project.edit("apps/greeter/app.yaml", "1.1.0", "1.2.0");
  const output = await project.engine.upFails();
  expect(output).toContain("RuntimeError: planted at import");
  expect(output).toMatch(/web1 serves 1\.1\.0-/);
  expect(output).not.toContain(secret);
  expect((await http(node, "/")).body).toBe("second light");
  expect(await project.engine.preview("--diff")).toMatch(/~ version: "1\.1\.0" => "1\.2\.0"/);
});

test("of two concurrent pulumi up, one wins, and the other is told who holds the stack", async () => {
  project.edit("apps/greeter/wsgi.py", '\nraise RuntimeError("planted at import")', "");
  const first = project.engine.start("up", "--yes", "--skip-preview");
  const second = project.engine.start("up", "--yes", "--skip-preview");
  const runs = await Promise.all([first.ended, second.ended]);
  expect(runs.map(({ code }) => code === 0).sort()).toEqual([false, true]);
  expect(runs.find(({ code }) => code !== 0)?.output).toMatch(/the stack is currently locked/);
  expect((await http(node, "/")).headers["x-silver-release"]).toMatch(/^greeter 1\.2\.0-/);
});

test("after a reboot of the node the site answers again", async () => {
  const before = (await http(node, "/")).headers["x-silver-release"];
  await reboot(node);
  const answer = await poll("the site answers", 60, async () => {
    const found = await http(node, "/");
    return found.status === 200 && found;
  });
  expect(answer.headers["x-silver-release"]).toBe(before);
  expect(counts(await project.engine.up())).toEqual(["7 unchanged"]);
});

test("a host that differs from its declaration is refused with a clear message, and keeps serving", async () => {
  const { hostKey } = node;
  const asHost = (host: string, os: string, key: string) =>
    `nodes:\n  web1: { host: ${host}, os: ${os}, roles: [web], hostKey: "${key}" }\nsites:\n${greeterSite}`;
  const other = await withProject({ ...greeter("other"), "stacks/test.yaml": asHost(node.address, otherOs, hostKey) });
  try {
    other.engine.environment.SSH_AUTH_SOCK = project.engine.environment.SSH_AUTH_SOCK;
    await other.engine.run("config", "set", "--secret", "--path", 'secrets["greeter.API_KEY@1"]', secret);
    expect(await other.engine.upFails()).toMatch(new RegExp(`web1.*${testOs}.*${otherOs}|web1.*${otherOs}.*${testOs}`));
    other.engine.write({ "stacks/test.yaml": asHost(node.address, testOs, `${hostKey.slice(0, -4)}AAAA`) });
    expect(await other.engine.upFails()).toMatch(/showed another host key: expected SHA256:\S+, found SHA256:\S+/);
    other.engine.write({ "stacks/test.yaml": asHost("127.0.0.1:1", testOs, hostKey) });
    expect(await other.engine.upFails()).toContain("stacks/test.yaml:2");
    other.engine.write({ "stacks/test.yaml": asHost("127.0.0.1, port: 1", testOs, hostKey) });
    expect(await other.engine.upFails()).toMatch(/127\.0\.0\.1:1 can't be reached/);
    expect((await http(node, "/")).body).toBe("second light");
  } finally {
    await other.remove();
  }
});

test("a site taken out of the environment stops serving, and its data stays", async () => {
  writeFileSync(join(project.root, "stacks/test.yaml"), environment("  {}\n"));
  await project.engine.up();
  expect((await http(node, "/")).status).toBe(404);
  expect(await ssh(node, "ls -A /srv/silver/.archive")).toMatch(/greeter/);
});

test("destroy leaves no machine behind", async () => {
  await project.engine.destroy();
  // Asked of the registry, not of the address: nobody of ours is there any more.
  await expect(project.node("web1")).rejects.toThrow("the stack has no node web1");
});

import { chmodSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ssh, trySsh } from "../support/nodes.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { RolloutSite, sshAgent } from "../support/rollout-site.ts";

// A configuration directory and the app's checker, on a real node.
const suite = useSharedNodes();
let site: RolloutSite;
let web1: TestNode;
let agent: Awaited<ReturnType<typeof sshAgent>>;

/** Answers with what its configuration says. */
const app = `import os

def application(environ, start_response):
    with open(os.path.join(os.environ["SILVER_APP_CONFIG"], "level")) as file:
        body = file.read().encode()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]
`;

/** Stands in lib/python, where only the app's own sys.path finds it. */
const checks = `import os

def check(directory):
    with open(os.path.join(directory, "level")) as file:
        level = file.read().strip()
    if level not in ("low", "high"):
        raise ValueError(f"level is {level}, not low or high; KEY is {os.environ['KEY']}")
`;

const script = `#!/bin/sh
echo "who: $(id -un), level: $(cat "$1/level"), greeting: $GREETING"
test "$(cat "$1/level")" = low
`;

beforeAll(async () => {
  web1 = await suite.boot("web1");
  agent = await sshAgent(web1.keyFile);
  site = new RolloutSite("conf", [web1], agent.socket);
  site.writeApp(app);
  site.write("apps/conf/lib/python/checks.py", checks);
  site.write("apps/conf/bin/check-config", script);
  chmodSync(join(site.root, "apps/conf/bin/check-config"), 0o755);
  site.writeEnvironment("config_dir: config/conf, config: {KEY: {secret: 1}, GREETING: hello}");
  site.write("config/conf/level", "low");
  manifest("checks:check");
  await site.setUp();
  // Another site's user, as far as files know one.
  await ssh(web1, "useradd --system --user-group site-other");
});
afterAll(async () => {
  site.remove();
  await agent.stop();
});
/** Every test begins with the level low. */
beforeEach(async () => {
  manifest("checks:check");
  site.write("config/conf/level", "low");
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
});

function manifest(checker: string): void {
  site.write(
    "apps/conf/app.yaml",
    `name: conf
version: 1.0.0
runner: src/wsgi.py
config: {required: true, default: {KEY: none, GREETING: none}, checker: "${checker}"}
check: {path: /, status: 200, within: 3s}
processes: {count: 2}
timeouts: {start: 10s}
`,
  );
}

const body = async (): Promise<string> => (await site.get(web1)).body;
const live = async (): Promise<string> => (await site.states())[0]?.live ?? "";
const read = (user: string, file: string) => trySsh(web1, `runuser -u ${user} -- cat '${file}'`);

test("the app can read its directory by SILVER_APP_CONFIG, and no other site's user can", async () => {
  expect(await body()).toBe("low");
  const file = `/srv/silver/conf/releases/${await live()}/config/level`;
  expect(await read("site-conf", file)).toMatchObject({ code: 0, stdout: "low" });
  expect((await read("site-other", file)).stderr).toContain("Permission denied");
  expect((await trySsh(web1, `runuser -u site-conf -- sh -c 'echo high > ${file}'`)).code).not.toBe(0);
});

test("a changed configuration is a new release of the same bundle, which is not sent again", async () => {
  const before = await live();
  site.write("config/conf/level", "high");
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  expect(await body()).toBe("high");
  const after = await live();
  expect(after).not.toBe(before);
  expect(after.split(".").slice(0, -1)).toEqual(before.split(".").slice(0, -1));
  expect(stderr).not.toContain("upload");
  const inode = (release: string) => ssh(web1, `stat -c %i /srv/silver/conf/releases/${release}/app/src/wsgi.py`);
  expect(await inode(after)).toBe(await inode(before));
});

test("a checker that raises refuses the release: its output is shown without secrets, and the old one serves", async () => {
  const before = await site.states();
  site.write("config/conf/level", "bad");
  const { code, stdout, stderr } = await site.deploy();
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: "refused" });
  expect(stderr).toContain("web1, prepare: checks:check refuses the configuration (exit code 1)");
  expect(stderr).toContain("ValueError: level is bad, not low or high; KEY is [secret]");
  expect(stderr).toContain("next: correct the configuration of conf, or checks:check; then pulumi up");
  expect(stderr).not.toContain("sesame-open");
  expect(await body()).toBe("low");
  expect(await site.states()).toEqual(before);
  expect(await ssh(web1, "ls /etc/systemd/system | grep -c '[.]check[.]' || true")).toBe("0");
});

test("a script gets the directory and the values, as the site's user; its exit code decides", async () => {
  manifest("bin/check-config");
  const passed = await site.deploy();
  expect(passed.code, passed.stderr).toBe(0);
  site.write("config/conf/level", "high");
  const { code, stderr } = await site.deploy();
  expect(code).toBe(1);
  expect(stderr).toContain("bin/check-config refuses the configuration (exit code 1)");
  expect(stderr).toContain("who: site-conf, level: high, greeting: hello");
  expect(await body()).toBe("low");
});

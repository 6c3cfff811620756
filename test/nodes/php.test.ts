import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { visitor } from "../support/load.ts";
import { http, poll, reboot, ssh, trySsh, useNodes, webPackages } from "../support/nodes.ts";
import type { Answer, TestNode } from "../support/nodes.ts";
import { RolloutSite, sshAgent } from "../support/rollout-site.ts";
import { testOs } from "../support/systems.ts";

// How a site in PHP serves, from a visitor's side, on each release of Debian: what apache.conf, php-fpm.conf, prepend.php
// and the units promise together.
const suite = useNodes("php");
const systems = [testOs];
const nodes: TestNode[] = [];
let site: RolloutSite;
let agent: Awaited<ReturnType<typeof sshAgent>>;

const app = readFileSync(join(import.meta.dirname, "../support/serving-app.php"), "utf8");

/** The manifest of the app: what runs, and what else. */
const manifest = (runs: string) => `name: serve
version: 1.0.0
${runs}
config: {required: {KEY: a secret}, default: {GREETING: "é \\"quoted\\" $HOME %"}}
check: {path: /, within: 4s}
processes: {count: 4, memory: 64M}
timeouts: {request: 3s}
`;

beforeAll(async () => {
  // Without php-fpm: a site's own packages come with its rollout.
  for (const os of systems) nodes.push(await suite.boot(os.replace(/\W/g, "-"), { os, prepared: webPackages }));
  agent = await sshAgent(nodes[0]?.keyFile ?? "");
  site = new RolloutSite("serve", nodes, agent.socket);
  site.writeEnvironment("config: {KEY: {secret: 1}}", ["serve.test", "shared.test/mount"]);
  site.write("apps/serve/app.yaml", manifest("runner: src/index.php"));
  site.write("apps/serve/static/style.css", "body { color: teal }\n");
  site.write("apps/serve/static/throw", "a file goes before the app\n");
  site.write("apps/serve/src/index.php", app);
  await site.setUp();
  await deployed();
});
afterAll(async () => {
  site.remove();
  await agent.stop();
});

async function deployed(): Promise<void> {
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
}

function nodeAt(index: number): TestNode {
  const booted = nodes[index];
  if (booted === undefined) throw new Error("the node was not booted");
  return booted;
}

const asks = (node: () => TestNode) => {
  const ask = (path: string, headers: Record<string, string> = {}, body?: Buffer) =>
    http(node(), path, { Host: site.host, ...headers }, body);
  const json = async (path: string, headers?: Record<string, string>, body?: Buffer) =>
    JSON.parse((await ask(path, headers, body)).body) as Record<string, unknown>;
  return { ask, json };
};

const marked = ({ headers }: Answer) => headers["x-silver-release"] !== undefined;

describe.each(systems.map((os, index) => [os, index] as const))("on %s", (_, index) => {
  const node = () => nodeAt(index);
  const { ask, json } = asks(node);
  const log = () => ssh(node(), "journalctl -t silver-php-serve -o cat --no-pager");

  test.each([
    ["serve.test", "/", { SCRIPT_NAME: "/index.php", PATH_INFO: "/", PHP_SELF: "/index.php/" }],
    ["serve.test", "/a%20b/c?d=e", { SCRIPT_NAME: "/index.php", PATH_INFO: "/a b/c", QUERY_STRING: "d=e" }],
    ["serve.test", "/x%0ay", { PATH_INFO: "/x\ny" }],
    ["serve.test", "/a%2Fb", { PATH_INFO: "/a/b", PHP_SELF: "/index.php/a/b", REQUEST_URI: "/a%2Fb" }],
    ["serve.test", "/x/..%2fb", { PATH_INFO: "/x/../b" }],
    ["shared.test", "/%6dount//a%2Fb", { SCRIPT_NAME: "/mount/index.php", PATH_INFO: "/a/b", REQUEST_URI: "/mount/a%2Fb" }],
    ["serve.test", `/${"a".repeat(32_000)}`, { PATH_INFO: `/${"a".repeat(32_000)}` }],
    ["serve.test", "/new.php/x", { SCRIPT_NAME: "/index.php", PATH_INFO: "/new.php/x" }],
    ["shared.test", "/mount", { SCRIPT_NAME: "/mount/index.php", PATH_INFO: "" }],
    ["shared.test", "/mount/x", { SCRIPT_NAME: "/mount/index.php", PATH_INFO: "/x", REQUEST_URI: "/mount/x" }],
  ])("at %s%s the app is told where it is", async (host, path, expected) => {
    const asked = await json(path, { Host: host, Authorization: "Basic YW5uOnNlY3JldA==", Proxy: "http://evil.test" });
    expect(asked).toMatchObject({ ...expected, HTTP_HOST: host, PHP_AUTH_USER: "ann" });
    expect(asked.SCRIPT_FILENAME).toBe(`${String(asked.DOCUMENT_ROOT)}/index.php`);
    expect(asked.REMOTE_ADDR).toBe(await ssh(node(), "echo ${SSH_CLIENT%% *}"));
    for (const name of ["HTTP_PROXY", "SILVER_SCRIPT", "SILVER_BEFORE", "SILVER_URI_1", "CONTEXT_DOCUMENT_ROOT"])
      expect(asked).not.toHaveProperty(name);
  });

  test("the app has its variables, and no process shows the secret", async () => {
    const found = await json("/variables");
    const values = {
      GREETING: 'é "quoted" $HOME %',
      KEY: "sesame-open",
      SILVER_APP_NAME: "serve",
      STATIC_URL: "/",
      TEMP: "/tmp",
    };
    for (const [name, value] of Object.entries(values)) expect(found[name]).toEqual([value, value, value]);
    // Not as it is, or the command itself would be found.
    const lists =
      "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /etc/systemd/system/silver-* /srv/silver/serve/releases/*/conf/*";
    expect(await ssh(node(), `${lists} 2>/dev/null | grep -ac 'sesame[-]open' || true`)).toBe("0");
    expect(await ssh(node(), "stat -c '%a %U %G' /srv/silver/serve/releases/*/environ.json | sort -u")).toBe(
      "640 root site-serve",
    );
    for (const path of ["/environ.json", "/../environ.json", "/%2e%2e/environ.json", "/conf/prepend.php"])
      expect((await ask(path)).body).not.toContain("sesame-open");
  });

  test("files of static/ go before the app; the app's marks are the platform's", async () => {
    const style = await ask("/style.css");
    expect(style).toMatchObject({ status: 200, body: "body { color: teal }\n" });
    expect(style.headers).toMatchObject({ "cache-control": "max-age=0, must-revalidate" });
    expect((await ask("/throw")).body).toBe("a file goes before the app\n");
    const { headers } = await ask("/x");
    expect(headers["x-silver-release"]).toBe(`serve ${site.rollout().release.id}`);
    for (const name of ["x-silver-static", "x-powered-by"]) expect(headers).not.toHaveProperty(name);
  });

  test("an error of the app is marked as the app's, a process that died is not, and neither harms another request", async () => {
    const all = Array.from({ length: 60 }, (_, number) =>
      ask(number % 20 === 7 ? "/die" : number % 20 === 13 ? "/throw/0" : `/fine/${number}`),
    );
    const answers = await Promise.all(all);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(54);
    const failed = answers.filter(({ status }) => status === 500);
    expect(failed.map((answer) => [answer.body, marked(answer)])).toEqual(Array(3).fill(["Internal Server Error\n", true]));
    const died = answers.filter(({ status }) => status === 503);
    expect(died).toHaveLength(3);
    for (const answer of died) {
      expect(marked(answer)).toBe(false);
      expect(answer.body).toContain("Back in a moment");
    }
    await poll("the journal tells the error", 10, async () =>
      /^(?:NOTICE: )?PHP message: PHP Fatal error: +Uncaught RuntimeException: planted in the app/m.test(await log()),
    );
  });

  test("wedged requests end at their time, and others are served meanwhile", async () => {
    const started = Date.now();
    const wedged = ["/sleep/60", "/sleep/61", "/spin"].map((path) => ask(path));
    const meanwhile = await Promise.all(Array.from({ length: 20 }, (_, number) => ask(`/fine/w${number}`)));
    expect(meanwhile.map(({ status }) => status)).toEqual(Array(20).fill(200));
    for (const answer of await Promise.all(wedged.slice(0, 2))) {
      expect(answer.status).toBe(504);
      expect(marked(answer)).toBe(false);
    }
    // Time of the processor is PHP's own to count: whichever of the two clocks is first.
    expect([500, 504]).toContain((await wedged[2])?.status);
    expect(Date.now() - started).toBeGreaterThan(2500);
    expect(Date.now() - started).toBeLessThan(12_000);
    expect((await ask("/fine/after")).status).toBe(200);
  });

  test("a request over its memory limit fails alone", async () => {
    expect(await json("/fill/20")).toEqual({ bytes: 20_000_000 });
    const answer = await ask("/fill/100");
    expect([answer.status, marked(answer)]).toEqual([500, true]);
  });

  test("a body as large as the manifest allows reaches the app, uploaded files too", async () => {
    expect(await json("/read", {}, Buffer.alloc(9_000_000))).toEqual({ bytes: 9_000_000 });
    const part = 'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n';
    const form = Buffer.concat([Buffer.from(`--b\r\n${part}`), Buffer.alloc(9_000_000), Buffer.from("\r\n--b--\r\n")]);
    const type = { "Content-Type": "multipart/form-data; boundary=b" };
    expect(await json("/upload", type, form)).toEqual({ bytes: 9_000_000, error: 0 });
  });

  test("a session is kept, pages are cached as the app says, and little is writable", async () => {
    const first = await ask("/session");
    const cookie = first.headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
    expect(await json("/session", { Cookie: cookie })).toEqual({ count: 2 });
    expect(await json("/cache")).toEqual(await json("/cache"));
    expect(await json("/reach")).toEqual({
      "write to its release": "Read-only file system",
      "write to TEMP": "done",
      "write to SILVER_LOGS": "done",
      "read its releases' record": "Permission denied",
    });
  });

  const unit = (role: string) => `silver-${role}-serve@${site.rollout().release.id}.service`;
  const mainOf = (role: string) => ssh(node(), `systemctl show -P MainPID '${unit(role)}'`);
  const serves = () => poll("the site serves", 30, async () => (await ask("/fine/again")).status === 200);

  test.each([
    ["php", "web", "kill -9"],
    ["web", "php", "kill -9"],
    // What nobody asked Apache: PHP that is stopped by hand is upheld.
    ["php", "web", "systemctl stop"],
  ])("where %s ends, it starts anew, and %s goes on (%s)", async (role, other, how) => {
    const before = [await mainOf(role), await mainOf(other)];
    await ssh(node(), how === "kill -9" ? `kill -9 ${before[0]}` : `systemctl stop '${unit(role)}'`);
    if (role === "php") expect((await ask("/style.css")).status).toBe(200);
    await poll("it is started anew", 30, async () => !["0", before[0]].includes(await mainOf(role)));
    await serves();
    expect(await mainOf(other)).toBe(before[1]);
  });

  test("nobody but the site reaches the socket between the two", async () => {
    const connect = (user: string) =>
      trySsh(
        node(),
        `runuser -u ${user} -- python3 -c "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])" /run/silver/*-php/fpm.sock`,
      );
    expect((await connect("site-serve")).code).toBe(0);
    const { code, stderr } = await connect("nobody");
    expect([code, stderr]).toEqual([1, expect.stringContaining("Permission denied")]);
  });

  test("when both are stopped, Apache finishes its requests before PHP stops", async () => {
    const slow = ask("/sleep/2");
    await poll("PHP has the request", 10, async () => (await ssh(node(), "ss -Hx state established")).includes("fpm.sock"));
    // As the agent stops them.
    await ssh(node(), `systemctl stop --no-block '${unit("web")}' '${unit("php")}'; systemctl stop '${unit("web")}'`);
    expect(await slow).toMatchObject({ status: 200, body: '{"slept":0}' });
    await ssh(node(), `systemctl stop '${unit("php")}'`);
    const { stdout } = await trySsh(node(), `systemctl is-active '${unit("php")}' '${unit("web")}'`);
    expect(stdout).toBe("inactive\ninactive\n");
    await ssh(node(), `systemctl start '${unit("web")}'`);
    expect(await ssh(node(), `systemctl is-active '${unit("php")}'`)).toBe("active");
    await serves();
  });

  test("Debian's own php-fpm does not run, and can't be started", async () => {
    const units = "basename -a /lib/systemd/system/php*-fpm.service";
    expect(await ssh(node(), `${units} && (systemctl is-enabled $(${units}) || true)`)).toMatch(
      /^php8\.\d-fpm\.service\nmasked$/,
    );
    expect(await ssh(node(), "pgrep -c -u www-data php-fpm || true")).toBe("0");
  });
});

describe("a rollout", () => {
  const { ask } = asks(() => nodeAt(0));

  test("loses no request, and a slow one is answered by the release that took it", async () => {
    const visitors = nodes.map((node) => visitor(() => http(node, "/fine/load", { Host: site.host }), 50));
    const before = site.rollout().release.id;
    const slow = visitor(() => ask("/sleep/2"), 10);
    for (const greeting of ["one", "two", "three"]) {
      site.write("apps/serve/src/new.php", `<?php // ${greeting}\n`);
      await deployed();
    }
    const answers = (await Promise.all([...visitors, slow].map((one) => one.stop()))).flat();
    expect(answers.length).toBeGreaterThan(50);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const releases = new Set(slow.answers.map(({ headers }) => headers["x-silver-release"]));
    expect(releases.size).toBeGreaterThan(1);
    expect(releases).toContain(`serve ${before}`);
  });

  test("of an app that can't be parsed gets no visitors, and shows PHP's error without the secret", async () => {
    const before = await site.states();
    site.write("apps/serve/src/index.php", `<?php trigger_error("bad key " . $_ENV["KEY"]);\nrequire "broken.php";\n`);
    site.write("apps/serve/src/broken.php", "<?php\nfunction broken( {\n");
    const { code, stdout, stderr } = await site.deploy();
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "reverted" });
    const summary = stderr.slice(stderr.indexOf("serve: reverted."));
    expect(summary).toContain("status 500, expected 200");
    expect(summary).toMatch(/PHP Parse error: .* in src\/broken\.php on line 2/);
    expect(summary.match(/Parse error/g)).toHaveLength(1);
    expect(stderr).not.toContain("sesame-open");
    expect(await site.states()).toEqual(before);
    expect((await ask("/x")).status).toBe(200);
  });

  test("asks the app's checker, with the variables and the configuration directory", async () => {
    site.write("apps/serve/src/index.php", app);
    site.write("apps/serve/src/broken.php", "<?php\n");
    site.write("apps/serve/settings/limit", "3");
    site.write(
      "apps/serve/bin/check.php",
      `<?php
if (getenv("KEY") !== "sesame-open") exit("no key\\n");
$limit = (int) file_get_contents("$argv[1]/limit");
if ($limit > 2) { echo "limit is $limit for " . getenv("KEY") . "\\n"; exit(3); }
`,
    );
    site.write(
      "apps/serve/app.yaml",
      manifest("runner: src/index.php").replace(
        /config: .*/,
        "config: {required: {KEY: a secret}, default: settings, checker: bin/check.php}",
      ),
    );
    const { code, stdout, stderr } = await site.deploy();
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "refused" });
    expect(stderr).toContain("bin/check.php refuses the configuration (exit code 3)");
    expect(stderr).toContain("limit is 3 for [secret]");
    site.write("apps/serve/settings/limit", "2");
    await deployed();
  });
});

describe("php_root", () => {
  const { ask, json } = asks(() => nodeAt(nodes.length - 1));
  const told =
    "<?php echo json_encode(array_intersect_key($_SERVER, array_flip(['PHP_SELF', 'SCRIPT_NAME', 'PATH_INFO', 'DOCUMENT_ROOT'])));";

  test("alone: its scripts are run by their paths, its other files are served, and the rest is not found", async () => {
    site.write("apps/serve/app.yaml", manifest("php_root: www"));
    for (const path of ["index.php", "shop/index.php", "shop/list.php"]) site.write(`apps/serve/www/${path}`, told);
    site.write("apps/serve/www/SOURCE.PHP", told);
    site.write("apps/serve/www/.htaccess", "hidden");
    site.write("apps/serve/www/logo.svg", "<svg/>");
    site.write("apps/serve/www/style.css", "never: static/ goes first");
    site.write("apps/serve/www/guide/index.html", "<h1>Guide</h1>");
    await deployed();
    expect(await json("/")).toMatchObject({ SCRIPT_NAME: "/index.php", PHP_SELF: "/index.php" });
    expect(await json("/shop/list.php/a%20b")).toMatchObject({ SCRIPT_NAME: "/shop/list.php", PATH_INFO: "/a b" });
    expect(await json("/shop/")).toMatchObject({ SCRIPT_NAME: "/shop/index.php" });
    const mounted = { Host: "shared.test" };
    expect(await json("/mount/shop/list.php", mounted)).toMatchObject({ SCRIPT_NAME: "/mount/shop/list.php" });
    expect(await ask("/shop")).toMatchObject({ status: 302, headers: { location: "http://serve.test/shop/" } });
    expect(await ask("/mount", mounted)).toMatchObject({ status: 302, headers: { location: "http://shared.test/mount/" } });
    expect((await ask("/guide/")).body).toBe("<h1>Guide</h1>");
    const logo = await ask("/logo.svg");
    expect(logo).toMatchObject({ status: 200, body: "<svg/>", headers: { "content-type": "image/svg+xml" } });
    expect((await ask("/logo.svg", { "If-None-Match": logo.headers.etag ?? "" })).status).toBe(304);
    expect((await ask("/style.css")).body).toBe("body { color: teal }\n");
    for (const path of ["/SOURCE.PHP", "/.htaccess", "/gone", "/gone.php", "/src/index.php", "/app.yaml"])
      expect([path, (await ask(path)).status]).toEqual([path, 404]);
  });

  test("with a runner: its scripts are the runner's to run, and its other files are served", async () => {
    symlinkSync("list.php", join(site.root, "apps/serve/www/shop/front.php"));
    site.write("apps/serve/app.yaml", manifest("php_root: www\nrunner: www/shop/front.php"));
    await deployed();
    expect(await json("/")).toMatchObject({ SCRIPT_NAME: "/front.php", PATH_INFO: "/" });
    for (const path of ["/shop/index.php", "/SOURCE.PHP", "/.htaccess", "/gone"])
      expect(await json(path)).toMatchObject({ PATH_INFO: path });
    expect((await json("/gone")).DOCUMENT_ROOT).toMatch(/\/app\/www$/);
    expect((await ask("/logo.svg")).body).toBe("<svg/>");
    expect(await json("/mount/gone.php", { Host: "shared.test" })).toMatchObject({ SCRIPT_NAME: "/mount/front.php" });
  });

  test("with the runner of docs/php.md: its scripts are run, and the front page is for the rest", async () => {
    const front = /```php\n([^]*?)```/.exec(readFileSync(join(import.meta.dirname, "../../docs/php.md"), "utf8"))?.[1] ?? "";
    site.write("apps/serve/src/front.php", front);
    site.write("apps/serve/app.yaml", manifest("php_root: www\nrunner: src/front.php"));
    await deployed();
    for (const [path, script] of Object.entries({
      "/": "/index.php",
      "/shop/": "/shop/index.php",
      "/shop/list.php": "/shop/list.php",
      "/posts/1": "/index.php",
      "/gone.php": "/index.php",
    }))
      expect(await json(path)).toMatchObject({ SCRIPT_NAME: script, PHP_SELF: script });
    expect(await json("/mount/shop/list.php", { Host: "shared.test" })).toMatchObject({ SCRIPT_NAME: "/mount/shop/list.php" });
  });
});

test("after a reboot the site answers again, and no other php-fpm runs", async () => {
  const node = nodeAt(0);
  await reboot(node);
  await poll("the site answers", 60, async () => (await http(node, "/", { Host: site.host })).status === 200);
  expect(await ssh(node, "ps -o user= -C $(basename /usr/sbin/php-fpm8*) | sort -u")).toBe("site-serve");
  const { id } = site.rollout().release;
  expect(await ssh(node, `systemctl is-active silver-php-serve@${id}.service silver-web-serve@${id}.service`)).toBe(
    "active\nactive",
  );
});

test("PHP reaches the database of its site", async () => {
  const node = nodeAt(0);
  const data = new RolloutSite("data", [node], agent.socket);
  data.write(
    "apps/data/app.yaml",
    "name: data\nrunner: index.php\nconfig: {required: {KEY: a secret}}\nservices: {db: {type: postgres}}\ncheck: {path: /, within: 10s}\n",
  );
  data.write(
    "apps/data/index.php",
    `<?php
$host = getenv("CONFIG_PG_HOST"); $name = getenv("CONFIG_PG_DBNAME");
$db = new PDO("pgsql:host=$host;dbname=$name", getenv("CONFIG_PG_USER"));
$db->exec("CREATE TABLE IF NOT EXISTS visit (at timestamptz); INSERT INTO visit VALUES (now())");
echo $db->query("SELECT current_user, count(*) > 0 FROM visit")->fetch(PDO::FETCH_NUM)[0];
`,
  );
  await data.setUp();
  const { code, stderr } = await data.deploy();
  expect(code, stderr).toBe(0);
  expect((await data.get(node)).body).toBe("site-data");
  data.remove();
});

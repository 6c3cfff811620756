// RabbitMQ of two sites on one real node, from their manifests to messages that survive, and who else comes to it.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { siteOn } from "../support/site-on.ts";
import { testOs } from "../support/systems.ts";

/** Publishes and reads by its URL, with the distribution's own driver; a queue outlives restarts, and so does what is in it. */
const app = `import json, os, pika

def channel():
    parameters = pika.URLParameters(os.environ["CONFIG_RABBITMQ_URL"])
    parameters.blocked_connection_timeout = 5
    found = pika.BlockingConnection(parameters).channel()
    for name, kind in (("notes", "classic"), ("kept", "quorum")):
        found.queue_declare(name, durable=True, arguments={"x-queue-type": kind})
    found.confirm_delivery()
    return found

def publish(found, name, body):
    found.basic_publish("", name, body, pika.BasicProperties(delivery_mode=2))

def answer(path):
    match path.strip("/").split("/"):
        case ["write", text]:
            with channel() as found:
                for name in ("notes", "kept"):
                    publish(found, name, text.encode())
            return "written"
        case ["read"]:
            with channel() as found:
                return json.dumps([(found.basic_get(name, auto_ack=True)[2] or b"").decode() for name in ("notes", "kept")])
        case ["fill", megabytes]:
            with channel() as found:
                for each in range(int(megabytes)):
                    publish(found, "notes", os.urandom(1 << 20))
            return "written"
        case ["purge"]:
            with channel() as found:
                found.queue_purge("notes")
            return "purged"
        case ["variables"]:
            return json.dumps({name: value for name, value in os.environ.items() if name.startswith("CONFIG_")})
    return "ok"

def application(environ, start_response):
    try:
        body = answer(environ["PATH_INFO"]).encode()
    except Exception as error:
        body = repr(error).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;

const manifest = (name: string) => `name: ${name}
version: 1.0.0
runner: wsgi.py
packages: [python3-pika]
services: {queue: {type: rabbitmq, quota: 64M, memory: 256M}}
processes: {count: 1}
timeouts: {request: 60s}
`;
const site = (name: string) => `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test] }\n`;
const environment = (os: string, ...names: string[]) =>
  `nodes:\n  web1: { local: true, os: ${os}, roles: [web] }\nsites:\n${names.map(site).join("")}`;

interface Variables {
  CONFIG_RABBITMQ_HOST: string;
  CONFIG_RABBITMQ_PORT: string;
  CONFIG_RABBITMQ_PASSWORD: string;
}

let project: Project;
let node: TestNode;

const get = async (name: string, path: string) => (await http(node, path, { Host: `${name}.test` })).body;

const onNode = (command: string, input?: string) => ssh(node, command, input);

/** What a command as a user of the node says, right or wrong, with its exit code. */
const asUser = (user: string, command: string) => onNode(`runuser -u ${user} -- sh -c '${command}' 2>&1; echo "exit code $?"`);

const unit = (name: string) => `silver-rabbitmq-${name}@g1.service`;
const proxy = (name: string, end = "socket") => `silver-rabbitmqproxy-${name}@g1.${end}`;
const place = (name: string) => `/srv/silver/${name}/data/rabbitmq/g1`;

const variables = async (name: string) => JSON.parse(await get(name, "/variables")) as Variables;

const status = async (name: string) => (await siteOn(node, name)).services[0];

const started = (name: string) => onNode(`systemctl show --value --property=ActiveEnterTimestampMonotonic ${unit(name)}`);

/** What comes of a login; the words go by stdin. */
const logIn = (user: string, url: string) =>
  onNode(
    `runuser -u ${user} -- python3 -c 'import pika, sys
try: print(pika.BlockingConnection(pika.URLParameters(sys.stdin.readline().strip())).is_open)
except Exception as error: print(repr(error))'`,
    `${url}\n`,
  );

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({
      "apps/one-a/app.yaml": manifest("one-a"),
      "apps/one-a/wsgi.py": app,
      "apps/two/app.yaml": manifest("two"),
      "apps/two/wsgi.py": app,
      "stacks/test.yaml": environment(os, "one-a", "two"),
    });
    await project.prepare("web1", { os });
  });

  afterAll(async () => {
    await project.remove();
  });

  test("two apps get one each, and publish and read", async () => {
    await project.engine.up();
    node = await project.node("web1");
    for (const name of ["one-a", "two"]) {
      expect(await get(name, `/write/${name}`)).toBe("written");
      expect(JSON.parse(await get(name, "/read"))).toEqual([name, name]);
      const told = await variables(name);
      expect(told.CONFIG_RABBITMQ_HOST).toMatch(/^127\.65\.0\.\d+$/);
      expect(told.CONFIG_RABBITMQ_PASSWORD).toMatch(/^[0-9a-f]{48}$/);
      const { CONFIG_RABBITMQ_HOST: host, CONFIG_RABBITMQ_PORT: port, CONFIG_RABBITMQ_PASSWORD: password } = told;
      const all = {
        HOST: host,
        PASSWORD: password,
        PORT: port,
        URL: `amqp://site-${name}:${password}@${host}:${port}/${name}`,
        USER: `site-${name}`,
        VHOST: name,
      };
      expect(told).toEqual(
        Object.fromEntries(
          ["RABBITMQ", "QUEUE"].flatMap((first) => Object.entries(all).map(([end, value]) => [`CONFIG_${first}_${end}`, value])),
        ),
      );
    }
  });

  test("each runs in its site's slice, confined, and none of the distribution's runs beside them", async () => {
    const slices = await onNode(`systemctl show --value --property=Slice ${unit("one-a")} ${proxy("one-a", "service")} | grep .`);
    expect(slices.split("\n")).toEqual(["silver-one\\x2da.slice", "silver-one\\x2da.slice"]);
    expect(await onNode("ps -C beam.smp,epmd -o user:20= | sort | uniq -c | tr -s ' '")).toBe(" 2 mq-one-a\n 2 mq-two");
    expect(await onNode("systemctl is-enabled rabbitmq-server epmd.service epmd.socket || true")).toBe("masked\nmasked\nmasked");
    for (const name of [unit("two"), proxy("two", "service")]) {
      const scored = await onNode(`systemd-analyze security --threshold=20 --no-pager ${name} >/dev/null && echo held`);
      expect(scored, name).toBe("held");
    }
    const judged = `systemd-analyze verify ${unit("two")} ${proxy("two")} ${proxy("two", "service")} 2>&1 | grep silver-rabbitmq || true`;
    expect(await onNode(judged)).toBe("");
  });

  test("its size, its limit and its health are in the status", async () => {
    const found = await status("one-a");
    expect(found).toMatchObject({ name: "queue", type: "rabbitmq", limit: 64 * 1024 ** 2, problem: null });
    expect(found?.bytes).toBeLessThan(16 * 1024 ** 2);
  });

  test("only the site's user comes to it, by its proxy alone", async () => {
    const { CONFIG_RABBITMQ_HOST: host, CONFIG_RABBITMQ_PORT: port } = await variables("one-a");
    const dial = (user: string, to: string) => asUser(user, `python3 -c "import socket; socket.create_connection((${to}), 5)"`);
    expect(await dial("site-one-a", `\\"${host}\\", ${port}`)).toBe("exit code 0");
    for (const user of ["site-two", "nobody", "vcache", "mq-two"])
      expect(await dial(user, `\\"${host}\\", ${port}`), user).toMatch(/Connection refused[^]*exit code 1/);
    // Of RabbitMQ, of what Erlang finds its like by, and of what it speaks with these.
    for (const own of [5672, 4369, 25672])
      expect(await dial("site-one-a", `\\"127.0.0.1\\", ${own}`), String(own)).toMatch(/Connection refused/);
    const listening = await onNode("ss -Hltn | tr -s ' ' | cut -d' ' -f4 | grep -vE ':(22|80|6082)$' | grep -v ^127.64.");
    expect(listening.split("\n").sort()).toEqual([
      expect.stringMatching(/^127\.65\.0\.\d+:2\d{4}$/),
      expect.stringMatching(/^127\.65\.0\.\d+:2\d{4}$/),
    ]);
    for (const command of [
      `ls ${place("one-a")}/data`,
      `cat ${place("one-a")}.img`,
      `cat ${place("one-a")}.login.json`,
      "echo >>/etc/silver/rabbitmq/one-a-g1.json",
      "cat /etc/silver/rabbitmq/two-g1.json",
    ])
      expect(await asUser("site-one-a", command), command).toMatch(/permission denied/i);
  });

  test("no other user logs in, none without the password, and to no other virtual host", async () => {
    const {
      CONFIG_RABBITMQ_HOST: host,
      CONFIG_RABBITMQ_PORT: port,
      CONFIG_RABBITMQ_PASSWORD: password,
    } = await variables("one-a");
    const at = (user: string, vhost: string) => logIn("site-one-a", `amqp://${user}@${host}:${port}/${vhost}`);
    expect(await at(`site-one-a:${password}`, "one-a")).toBe("True");
    for (const user of ["site-one-a:wrong", "site-one-a:", "guest:guest", `guest:${password}`, `site-two:${password}`])
      expect(await at(user, "one-a"), user).toContain("ACCESS_REFUSED");
    for (const vhost of ["%2F", "two", ""]) expect(await at(`site-one-a:${password}`, vhost), vhost).toContain("NOT_ALLOWED");
  });

  test("the probe logs in to a RabbitMQ that somebody else runs, and tells what is refused", async () => {
    const {
      CONFIG_RABBITMQ_HOST: host,
      CONFIG_RABBITMQ_PORT: port,
      CONFIG_RABBITMQ_PASSWORD: password,
    } = await variables("one-a");
    const right = { of: "rabbitmq", host, port: Number(port), user: "site-one-a", password, name: "one-a", path: "/one-a" };
    const ask = async (changes: object) =>
      JSON.parse(
        await onNode("silver-agent probe", JSON.stringify({ ...right, tls: "", ca: "", version: "", seconds: 10, ...changes })),
      ) as unknown;
    const { version } = JSON.parse(await onNode('dpkg-query -Wf \'{"version": "${Version}"}\' rabbitmq-server')) as {
      version: string;
    };
    expect(await ask({})).toEqual({ version: version.split("-")[0] });
    expect(await ask({ password: "wrong" })).toMatchObject({ kind: "credential" });
    expect(await ask({ name: "two" })).toMatchObject({ kind: "name", reason: expect.stringContaining("not found") as unknown });
    expect(await ask({ tls: "verify" })).toMatchObject({ kind: "tls" });
  });

  test("the password stands nowhere but with the release and with root", async () => {
    const { CONFIG_RABBITMQ_PASSWORD: password } = await variables("one-a");
    expect(JSON.stringify(await project.engine.exportState())).not.toContain(password);
    await onNode("install -m 600 /dev/stdin /dev/shm/planted", `${password}\n`);
    for (const where of ["cat /proc/[0-9]*/environ", "cat /proc/[0-9]*/cmdline", "journalctl --all --output=export"])
      expect(await onNode(`(${where}) 2>/dev/null | grep -acFf /dev/shm/planted || true`), where).toBe("0");
    const files = await onNode(
      "grep -rlaFf /dev/shm/planted /etc /root /run /srv /tmp /usr/local /var 2>/dev/null | sort; rm /dev/shm/planted",
    );
    expect(files.split("\n")).toEqual([
      `${place("one-a")}.login.json`,
      expect.stringMatching(/^\/srv\/silver\/one-a\/releases\/[^/]+\/environ\.json$/),
    ]);
    expect(await onNode(`stat -c '%a %U' ${place("one-a")}.login.json`)).toBe("600 root");
  });

  test("what binds the address of one whose proxy is closed is not heard", async () => {
    const told = await variables("one-a");
    await onNode(`systemctl stop ${proxy("one-a")}`);
    const impostor = `import socket; s = socket.socket(); s.setsockopt(1, 2, 1); s.bind((\\"${told.CONFIG_RABBITMQ_HOST}\\", ${told.CONFIG_RABBITMQ_PORT})); s.listen(); s.settimeout(8); s.accept()`;
    const said = asUser("site-two", `python3 -c "${impostor}"`);
    await poll("it listens", 10, async () => (await onNode(`ss -Hltn sport = :${told.CONFIG_RABBITMQ_PORT}`)) !== "");
    expect((await status("one-a"))?.problem).toBe("not answering");
    expect(await said).toMatch(/timed out/);
    await onNode(`systemctl start ${proxy("one-a")}`);
    expect(await get("one-a", "/write/heard")).toBe("written");
    expect(await get("one-a", "/read")).toBe('["heard", "heard"]');
  });

  test("above its quota it takes no messages, the site serves on, and purging opens it again", async () => {
    expect(await get("one-a", "/fill/300")).toMatch(/Blocked|blocked/);
    expect((await status("one-a"))?.problem).toMatch(/^over its quota/);
    expect(Number(await onNode(`df --output=avail -BM ${place("one-a")} | tail -1 | tr -dc 0-9`))).toBeGreaterThan(64);
    expect(await get("one-a", "/")).toBe("ok");
    expect(await get("two", "/write/meanwhile")).toBe("written");
    expect(await get("two", "/read")).toBe('["meanwhile", "meanwhile"]');
    expect((await status("two"))?.problem).toBeNull();
    expect(await get("one-a", "/purge")).toBe("purged");
    await poll("it takes messages again", 60, async () => (await get("one-a", "/write/after")) === "written");
    expect((await status("one-a"))?.problem).toBeNull();
  });

  test("a second run changes nothing, and heal puts back what is lost", async () => {
    const before = await started("two");
    const told = await variables("two");
    project.edit("apps/two/app.yaml", "version: 1.0.0", "version: 1.0.1");
    await project.engine.up();
    expect(await started("two")).toBe(before);
    expect(await variables("two")).toEqual(told);
    await onNode(
      `systemctl stop ${proxy("two")} ${unit("two")}; rm /etc/systemd/system/silver-rabbitmq-*two* /etc/silver/rabbitmq/two-g1.*`,
    );
    await onNode(`rm ${place("two")}.login.json; systemctl daemon-reload`);
    expect((await status("two"))?.problem).toBe("not running");
    const { root, engine } = project;
    const words = ["cli/main.ts", "-e", "test", "heal", "two"];
    const healed = spawnSync(process.execPath, words, { cwd: root, env: engine.environment, encoding: "utf8" });
    expect(healed.status, healed.stdout + healed.stderr).toBe(0);
    expect(await get("two", "/write/healed")).toBe("written");
    expect(await variables("two")).toEqual(told);
  });

  test("a crash restarts it, and what was published is there", async () => {
    await onNode(`systemctl kill --kill-whom=main --signal=SIGKILL ${unit("two")}`);
    await poll("the site reads", 120, async () => (await get("two", "/read")) === '["healed", "healed"]');
  });

  test("it survives a reboot", async () => {
    expect(await get("two", "/write/before")).toBe("written");
    await reboot(node);
    await poll("the site reads", 180, async () => (await get("two", "/read")) === '["before", "before"]');
    expect(await get("two", "/write/again")).toBe("written");
  });

  test("a site that was removed and comes back has its messages, and a quota below them is refused", async () => {
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "one-a"));
    await project.engine.up();
    expect(await onNode("ps -C beam.smp -o user:20=")).toBe("mq-one-a");
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "one-a", "two"));
    await project.engine.up();
    expect(await get("two", "/read")).toBe('["again", "again"]');
    expect(await get("two", "/fill/40")).toBe("written");
    project.edit("apps/two/app.yaml", "quota: 64M", "quota: 16M");
    expect(await project.engine.upFails()).toMatch(/the quota of 16 MB is less than RabbitMQ holds: \d+ MB/);
  });
});

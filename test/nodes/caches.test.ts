// memcached and Redis of two sites on one real node, from their manifests to what survives a crash.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { http, poll, reboot, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { inTerminal } from "../support/in-terminal.ts";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { siteOn } from "../support/site-on.ts";
import { testOs } from "../support/systems.ts";

/** Writes and reads in both by their variables, with the distribution's own drivers. */
const app = `import json, os
from pymemcache.client.base import Client
import redis

def memcached():
    return Client(os.environ["CONFIG_MEMCACHED_SERVERS"], timeout=5)

def answer(path):
    queue = redis.Redis.from_url(os.environ["CONFIG_REDIS_URL"], decode_responses=True)
    match path.strip("/").split("/"):
        case ["write", text]:
            memcached().set("text", text)
            queue.rpush("texts", text)
            return "written"
        case ["read"]:
            return json.dumps([(memcached().get("text") or b"").decode(), queue.lrange("texts", 0, -1)])
        case ["fill", megabytes]:
            try:
                for each in range(int(megabytes)):
                    queue.set("large", os.urandom(1 << 20))
                    memcached().set(f"large-{each}", os.urandom(1 << 19))
            except redis.RedisError as error:
                return str(error)
            return "written"
        case ["more", megabytes]:
            try:
                for each in range(int(megabytes)):
                    queue.set(f"large-{each}", os.urandom(1 << 20))
            except redis.RedisError as error:
                return str(error)
            return "written"
        case ["variables"]:
            return json.dumps({name: value for name, value in os.environ.items() if name.startswith("CONFIG_")})
    return "ok"

def application(environ, start_response):
    body = answer(environ["PATH_INFO"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;

const manifest = (name: string) => `name: ${name}
version: 1.0.0
runner: wsgi.py
packages: [python3-pymemcache, python3-redis]
services: {cache: {type: memcached, memory: 16M}, queue: {type: redis, memory: 16M, persist: true}}
processes: {count: 2}
timeouts: {request: 60s}
`;
const site = (name: string) => `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test] }\n`;
const environment = (os: string, ...names: string[]) =>
  `nodes:\n  web1: { local: true, os: ${os}, roles: [web] }\nsites:\n${names.map(site).join("")}`;

let project: Project;
let node: TestNode;

const get = async (name: string, path: string) => (await http(node, path, { Host: `${name}.test` })).body;

const onNode = (command: string) => ssh(node, command);

/** What a command as a user of the node says, right or wrong, with its exit code. */
const asUser = (user: string, command: string) => onNode(`runuser -u ${user} -- sh -c '${command}' 2>&1; echo "exit code $?"`);

const units = ["silver-memcached-one-a.service", "silver-redis-one-a@g1.service"];
const twos = ["silver-memcached-two.service", "silver-redis-two@g1.service"];
const redisOf = (name: string) => `redis-cli -s /run/silver/redis-${name}-g1/socket`;

/** What the site's app has written by now. */
const kept = async (name: string): Promise<unknown> => JSON.parse(await get(name, "/read"));

const status = async (name: string) => (await siteOn(node, name)).services;

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

  test("two apps get one of each, and write into them", async () => {
    await project.engine.up();
    node = await project.node("web1");
    for (const name of ["one-a", "two"]) {
      expect(await get(name, `/write/${name}`)).toBe("written");
      expect(await kept(name)).toEqual([name, [name]]);
    }
    const socket = "/run/silver/memcached-one-a/socket";
    expect(JSON.parse(await get("one-a", "/variables"))).toMatchObject({
      CONFIG_MEMCACHED_SERVERS: `unix:${socket}`,
      CONFIG_MEMCACHED_SOCKET: socket,
      CONFIG_CACHE_SOCKET: socket,
      CONFIG_REDIS_URL: "unix:///run/silver/redis-one-a-g1/socket",
      CONFIG_REDIS_HOST: "/run/silver/redis-one-a-g1/socket",
      CONFIG_REDIS_PORT: "0",
      CONFIG_QUEUE_SOCKET: "/run/silver/redis-one-a-g1/socket",
    });
  });

  test("each runs in its site's slice, confined, and none of the distribution's runs beside them", async () => {
    const slices = await onNode(`systemctl show --value --property=Slice ${[...units, ...twos].join(" ")} | grep .`);
    expect(slices.split("\n")).toEqual([
      "silver-one\\x2da.slice",
      "silver-one\\x2da.slice",
      "silver-two.slice",
      "silver-two.slice",
    ]);
    expect(await onNode("ps -C memcached,redis-server -o user= | sort")).toBe("mc-one-a\nmc-two\nredis-one-a\nredis-two");
    expect(await onNode("ss -Htlnp | grep -E 'redis|memcached' || true")).toBe("");
    for (const unit of twos) {
      expect(await onNode(`systemd-analyze security --threshold=20 --no-pager ${unit} >/dev/null && echo held`), unit).toBe(
        "held",
      );
    }
    expect(await onNode(`systemd-analyze verify ${twos.join(" ")} 2>&1 | grep -E 'silver-(redis|memcached)' || true`)).toBe("");
  });

  test("every service reports its size, its limit, and that it is healthy", async () => {
    const found = await status("one-a");
    expect(found).toMatchObject([
      { name: "cache", type: "memcached", limit: 16 * 1024 ** 2, problem: null },
      { name: "queue", type: "redis", limit: 16 * 1024 ** 2, problem: null },
    ]);
    for (const { name, bytes } of found) expect(bytes, name).toBeGreaterThan(0);
  });

  test("neither site reaches the other's, and no site more than its own data", async () => {
    const denied = [
      `${redisOf("two")} PING`,
      'python3 -c "import socket; socket.socket(socket.AF_UNIX).connect(\\"/run/silver/memcached-two/socket\\")"',
      "ls /run/silver/redis-two-g1",
      "ls /srv/silver/one-a/data/redis/g1/appendonlydir",
      "touch /srv/silver/one-a/data/redis/g1/planted",
      "touch /run/silver/redis-one-a-g1/planted",
      "touch /run/silver/memcached-one-a/planted",
      "echo >>/etc/silver/redis/one-a-g1.conf",
      "cat /srv/silver/one-a/data/redis/g1.img",
    ];
    for (const command of denied) {
      expect(await asUser("site-one-a", command), command).toMatch(/permission denied/i);
    }
    const refused = [
      "CONFIG SET dir /srv/silver",
      "MODULE LOAD /tmp/x.so",
      "DEBUG SLEEP 0",
      "REPLICAOF 127.0.0.1 6379",
      "SLAVEOF 127.0.0.1 6379",
      "ACL SETUSER default +@all",
      "SAVE",
      "SHUTDOWN",
      "MIGRATE 127.0.0.1 6379 k 0 100",
    ];
    for (const command of refused) {
      expect(await asUser("site-one-a", `${redisOf("one-a")} ${command}`), command).toMatch(/NOPERM|not allowed/);
    }
    const script = String.raw`EVAL "return redis.call(\"CONFIG\", \"GET\", \"dir\")" 0`;
    expect(await asUser("site-one-a", `${redisOf("one-a")} ${script}`)).toContain("not allowed");
  });

  test("silver shell opens Redis as the site", async () => {
    const said = await inTerminal(project, ["shell", "one-a", "queue"], ["LRANGE texts 0 -1", "quit"], /socket> $/);
    expect(said).toContain('1) "one-a"');
  });

  test("memory that is full gives way in a cache, is refused where data is kept, and is no other site's", async () => {
    expect(await get("one-a", "/fill/64")).toBe("written");
    expect(await get("one-a", "/more/64")).toMatch(/command not allowed when used memory > 'maxmemory'/);
    const found = await status("one-a");
    for (const { name, bytes } of found) expect(bytes, name).toBeLessThan(17 * 1024 ** 2);
    expect(await kept("two")).toEqual(["two", ["two"]]);
    expect(await asUser("site-one-a", `${redisOf("one-a")} DEL large $(seq -f large-%g 0 63)`)).toMatch(/exit code 0/);
  });

  test("a disk that is full can be read, and is written again within a minute and a half", async () => {
    const disk = "/srv/silver/one-a/data/redis/g1";
    const spare = () => onNode(`stat -c %s ${disk}/spare 2>/dev/null || echo none`);
    const isSpared = async () => (await spare()) === String(32 * 1024 ** 2);
    await poll("the spare room is there", 90, isSpared);
    // As an app leaves it that writes faster than its file can be rewritten.
    await onNode(`fallocate -l $(($(df --output=avail -B1 ${disk} | tail -1) - 2097152)) ${disk}/planted`);
    expect(await get("one-a", "/fill/20")).toContain("MISCONF");
    expect((await status("one-a"))[1]?.problem).toBe("out of disk: it can only be read");
    expect(await kept("one-a")).toMatchObject([expect.anything(), ["one-a"]]);
    await poll("it can be written again", 90, async () => (await get("one-a", "/write/after")) === "written");
    expect((await status("one-a"))[1]?.problem).toBeNull();
    await onNode(`rm ${disk}/planted`);
    await poll("the spare room is back", 90, isSpared);
  });

  test("a crash restarts them, and what is kept is there", async () => {
    await onNode(`systemctl kill --signal=SIGKILL ${twos.join(" ")}`);
    await poll("both run", 30, async () => (await onNode(`systemctl is-active ${twos.join(" ")} || true`)) === "active\nactive");
    expect(await kept("two")).toEqual(["", ["two"]]);
  });

  test("a second run changes nothing, and heal puts back what is lost", async () => {
    const started = () => onNode(`systemctl show --value --property=ActiveEnterTimestampMonotonic ${twos.join(" ")} | grep .`);
    const before = await started();
    project.edit("apps/two/app.yaml", "version: 1.0.0", "version: 1.0.1");
    await project.engine.up();
    expect(await started()).toBe(before);
    await onNode(
      `systemctl stop ${twos.join(" ")}; rm /etc/systemd/system/silver-redis-two@g1.service /etc/silver/redis/two-g1.conf`,
    );
    await onNode("systemctl daemon-reload");
    expect((await status("two")).map(({ problem }) => problem)).toEqual(["not running", "not running"]);
    const healed = spawnSync(process.execPath, ["cli/main.ts", "-e", "test", "heal", "two"], {
      cwd: project.root,
      env: project.engine.environment,
      encoding: "utf8",
    });
    expect(healed.status, healed.stdout + healed.stderr).toBe(0);
    expect((await status("two")).map(({ problem }) => problem)).toEqual([null, null]);
    expect(await kept("two")).toEqual(["", ["two"]]);
  });

  test("they survive a reboot", async () => {
    await reboot(node);
    await poll("the site answers", 60, async () => (await http(node, "/read", { Host: "two.test" })).status === 200);
    expect(await kept("two")).toEqual(["", ["two"]]);
    expect(await get("two", "/write/again")).toBe("written");
  });

  test("a site that was removed and comes back has what was kept", async () => {
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "one-a"));
    await project.engine.up();
    expect(await onNode("ps -C memcached,redis-server -o user= | sort")).toBe("mc-one-a\nredis-one-a");
    writeFileSync(join(project.root, "stacks/test.yaml"), environment(os, "one-a", "two"));
    await project.engine.up();
    expect(await kept("two")).toEqual(["", ["two", "again"]]);
  });
});

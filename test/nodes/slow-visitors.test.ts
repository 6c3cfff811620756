// Visitors who stand still on one site, with all that the node keeps for such at once: what those of another site have meanwhile.
import { connect, type Socket } from "node:net";
import { afterEach, beforeAll, expect, test } from "vitest";
import { AgentNode, make } from "../support/agent-node.ts";
import { http, poll, ssh } from "../support/nodes.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";
import type { TestNode } from "../support/nodes.ts";

const suite = useSharedNodes();

const app = `def application(environ, start_response):
    length = 0
    while piece := environ["wsgi.input"].read(1 << 16):
        length += len(piece)
    headers = [("Content-Type", "text/plain")]
    if environ["PATH_INFO"] == "/endless":
        start_response("200 OK", headers)
        return iter(lambda: b"x" * (1 << 20), b"")
    body = b"y" * 100_000 if environ["PATH_INFO"] == "/page" else str(length).encode()
    start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
    return [body]
`;
/** Some kilobytes that a form of a site may have. */
const form = Buffer.alloc(30_000);

let node: TestNode;
let agent: AgentNode;
const sockets: Socket[] = [];

beforeAll(async () => {
  node = await suite.boot("web1");
  agent = new AgentNode(node);
  await agent.install();
  await agent.converge(["calm", "crowded"]);
  const processes = { count: 4, threads: 1, memoryBytes: 200_000_000, requests: 5000 };
  const files = { "src/wsgi.py": app, "static/large.txt": "x".repeat(17 * 1024 ** 2) };
  await agent.deploy(make("calm", { "src/wsgi.py": app }));
  const most = { limits: { bodyBytes: 1024 ** 3 }, timeouts: { requestSeconds: 60, startSeconds: 20, drainSeconds: 10 } };
  await agent.deploy(make("crowded", files, { processes, ...most }));
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await agent.closeSessions();
});

/** Says a request to the crowded site, and reads nothing. */
function stall(request: string): Socket {
  const socket = connect({ host: node.address, port: 80 }).on("error", () => undefined);
  socket.write(`${request}\r\nHost: crowded.test\r\n\r\n`);
  sockets.push(socket.pause());
  return socket;
}

const statistic = async (name: string) => Number((await ssh(node, `varnishstat -1 -f '${name}'`)).split(/ +/)[1]);
const statuses = async (count: number, path: string, site = "calm", body?: Buffer) => {
  const seen: (number | string)[] = [];
  for (let number = 0; number < count; number++)
    seen.push(await http(node, `${path}?${number}`, { Host: `${site}.test` }, body).then(({ status }) => status, String));
  return seen;
};

test("answers that nobody reads fill their store, and pages of another site are answered", async () => {
  for (let number = 0; number < 8; number++) stall("GET /endless HTTP/1.1");
  await poll("the store is full", 50, async () => (await statistic("SMF.Transient.g_space")) < 4 * 1024 ** 2);
  expect(await statuses(20, "/page")).toEqual(Array(20).fill(200));
});

test("uploads that stand still fill their store, and forms of every site arrive", async () => {
  // All but a byte of as much as fits: one that finds no room is hung up on, and leaves the rest to others.
  const room = await statistic("SMF.spool.g_space");
  const announced = Math.floor(room / 8) - 8 * 1024;
  for (let number = 0; number < 8; number++)
    stall(`POST / HTTP/1.1\r\nContent-Length: ${announced}`).write(Buffer.alloc(announced - 1));
  await poll("the store is full", 50, async () => (await statistic("SMF.spool.g_space")) < 36 * 1024);
  for (const site of ["calm", "crowded"]) expect(await statuses(20, "/", site, form)).toEqual(Array(20).fill(200));
});

test("those who read a large file slowly leave room for all else of its site", async () => {
  for (let number = 0; number < 400; number++) stall("GET /large.txt HTTP/1.1");
  // Those that Apache has no room for are hung up on.
  const open = "ss -Htn state established sport = :80 | wc -l";
  const held = "varnishstat -1 -f 'VBE.*.conn' | awk '{ sum += $2 } END { print sum }'";
  const settled = async () => {
    const [all, piped] = (await ssh(node, `${open}; ${held}`)).split("\n").map(Number);
    return piped !== undefined && piped >= 64 && piped === all;
  };
  await poll("those who stay are with Apache", 20, settled);
  expect(await statuses(20, "/", "crowded")).toEqual(Array(20).fill(200));
});

test("Varnish has threads for half of the memory at most, and room for a form for each", async () => {
  const threads = 2 * Number(/Value is: (\d+)/.exec(await ssh(node, "varnishadm param.show thread_pool_max"))?.[1]);
  const memory = Number(/\d+/.exec(await ssh(node, "grep MemTotal /proc/meminfo"))?.[0]);
  expect(threads * 170).toBeLessThanOrEqual(memory / 2);
  expect(threads).toBeGreaterThan(Math.min(19_000, memory / 2 / 171));
  expect(await statistic("SMF.forms.g_space")).toBeGreaterThanOrEqual(threads * 36 * 1024);
});

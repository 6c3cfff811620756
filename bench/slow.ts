import { connect } from "node:net";
import { request } from "node:http";
import { inTurn } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";

const posts = 200;
const slow = 80;
const postBytes = 100_000;
const answerMegabytes = 4;
const uploadMegabytes = 9;

const app = `CHUNK = bytes(1 << 20)


def application(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        read = len(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(read).encode()]
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return (CHUNK for _ in range(${answerMegabytes}))
`;
const manifest = (name: string) =>
  `name: ${name}\nrunner: src/wsgi.py\nprocesses: { count: 2, threads: 4 }\ncheck: { path: / }\n`;

/** Milliseconds of one POST after another, each over a connection of its own. */
async function postAll(address: string): Promise<number[]> {
  const body = Buffer.alloc(postBytes);
  const times = [];
  for (let number = 0; number < posts; number++) {
    const start = performance.now();
    const said = await new Promise<string>((resolve, reject) => {
      const sent = request({ host: address, method: "POST", headers: { Host: "next.test" }, agent: false }, (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => (text += chunk.toString()));
        response.on("end", () => {
          resolve(`${response.statusCode ?? 0} ${text}`);
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
    if (said !== `200 ${postBytes}`) throw new Error(`POST was answered ${said.slice(0, 100)}`);
    times.push(performance.now() - start);
  }
  return times.sort((one, other) => one - other);
}

/** Opens a request whose sender neither sends nor reads any more. */
function stalled(address: string, head: string, body = Buffer.alloc(0)) {
  const socket = connect({ host: address, port: 80 }).on("error", () => undefined);
  socket.write(`${head} HTTP/1.1\r\nHost: slow.test\r\n`);
  socket.write(body.length > 0 ? `Content-Length: ${uploadMegabytes << 20}\r\n\r\n` : "\r\n");
  if (body.length > 0) socket.write(body);
  return socket.pause();
}

export const slowVisitors: Bench = {
  name: "slow",
  title: "Beside slow visitors",
  how:
    `Two Python sites on one local node with Ubuntu 24.04. ${slow} visitors of one site ask for an answer of ${answerMegabytes} MB and never read it, and ` +
    `${slow} have sent the first megabyte of ${uploadMegabytes} and send no more; ${posts} times one after another, the other site gets a POST of 100 kB. ` +
    "Beside it the same without the slow ones. Visitors and node share the cores.",
  measure: async (stage, runs) => {
    const project = await stage.project({
      ...Object.fromEntries(
        ["slow", "next"].flatMap((name) => [
          [`apps/${name}/app.yaml`, manifest(name)],
          [`apps/${name}/src/wsgi.py`, app],
        ]),
      ),
      "stacks/test.yaml":
        "nodes:\n  web1: { local: true, os: ubuntu-24.04, roles: [web] }\nsites:\n" +
        ["slow", "next"].map((name) => `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test] }\n`).join(""),
    });
    stage.say("bringing up a node and two sites");
    await stage.silver(project, "up");
    const { address } = await project.node("web1");
    const results = await inTurn(stage, runs, {
      alone: () => postAll(address),
      beside: async () => {
        const sockets = Array.from({ length: slow }, () => [
          stalled(address, "GET /"),
          stalled(address, "POST /", Buffer.alloc(1 << 20)),
        ]).flat();
        try {
          await stage.pause(3);
          const open = sockets.filter((socket) => !socket.destroyed).length;
          if (open < sockets.length) throw new Error(`${sockets.length - open} slow visitors were cut off`);
          return await postAll(address);
        } finally {
          for (const socket of sockets) socket.destroy();
          await stage.pause(3);
        }
      },
    });
    const at = (share: number) => (times: number[]) => times[Math.ceil(times.length * share) - 1] ?? 0;
    const row = (what: string, share: number) => ({
      what,
      unit: "ms" as const,
      values: results.beside.map(at(share)),
      beside: { what: "without slow visitors", values: results.alone.map(at(share)) },
    });
    return [
      { ...row("a POST to the next site, median", 0.5), goal: { kind: "ratio", atMost: 1.1 } },
      row("99 of 100 POSTs to the next site are answered within", 0.99),
    ];
  },
};

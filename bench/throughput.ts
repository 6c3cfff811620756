import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Files } from "../test/support/engine.ts";
import type { Bench } from "./support/bench.ts";
import type { Figure } from "./support/figure.ts";

const connections = 32;
/** Seconds of each sample. */
const sampleSeconds = 5;

const runner = `BODY = b"x" * 1024


def application(environ, start_response):
    headers = [("Content-Type", "text/plain"), ("Content-Length", "1024")]
    if environ["PATH_INFO"] == "/kept":
        headers.append(("Cache-Control", "max-age=3600"))
    start_response("200 OK", headers)
    return [BODY]
`;

/** @param recycling what the manifest says of when a process is replaced; empty for the default */
const app = (name: string, recycling: string): Files => ({
  [`apps/${name}/app.yaml`]: `name: ${name}\nrunner: src/wsgi.py\nprocesses: { count: 2, threads: 4${recycling} }\n`,
  [`apps/${name}/src/wsgi.py`]: runner,
  [`apps/${name}/static/file.txt`]: "x".repeat(1024),
});

const environment = `nodes:
  web1: { local: true, os: ubuntu-24.04, roles: [web] }
sites:
  plain: { app: apps/plain, nodes: [web1], locations: [plain.test] }
  replaced: { app: apps/replaced, nodes: [web1], locations: [replaced.test] }
`;

const script = readFileSync(join(import.meta.dirname, "support/throughput.py"), "utf8");

interface Sample {
  perSecond: number;
  /** Milliseconds within which 99 of 100 requests were answered. */
  slow: number;
}

type Row = Record<"ours" | "peer", Sample[]>;

/** What each row of the script is beside, and the least share of its requests a second. */
const rows = {
  cached: { peer: "nginx, from its cache", atLeast: 1 },
  static: { peer: "nginx", atLeast: 1 },
  dynamic: { peer: "nginx and gunicorn", atLeast: 0.9 },
  "dynamic, processes replaced": { peer: "nginx and gunicorn", atLeast: 0.9 },
} as const;

export const throughput: Bench = {
  name: "throughput",
  title: "Requests a second",
  how:
    `A trivial WSGI app in 2 processes of 4 threads, on one local node with Ubuntu 24.04. Answers have 1 kB; ${connections} connections, ` +
    `each kept, ask one request after another for ${sampleSeconds} s by \`wrk\` on the node, which shares the cores. Cached is an answer of ` +
    "the app that may be kept, static a file, dynamic an answer that may not be kept; with processes replaced as by default, " +
    "and with a number of requests that is never reached. The peer is nginx with one worker a core, which keeps its connections to " +
    "gunicorn with 2 workers of 4 threads, both of Ubuntu's packages, on the same node.",
  measure: async (stage, runs) => {
    const project = await stage.project({
      ...app("plain", ", requests: 1000000"),
      ...app("replaced", ""),
      "stacks/test.yaml": environment,
    });
    stage.say("bringing up a node and two sites");
    await stage.silver(project, "up");
    const { address } = await project.node("web1");
    stage.say(`${runs} times: each row, ours and its peer in turn`);
    const said = await stage.ssh(project, address, `python3 - ${runs} ${sampleSeconds} ${connections}`, script);
    const measured = JSON.parse(said) as Record<keyof typeof rows, Row>;
    return (Object.keys(rows) as (keyof typeof rows)[]).flatMap((name) => figuresOf(name, measured[name]));
  },
};

function figuresOf(name: keyof typeof rows, { ours, peer }: Row): Figure[] {
  const { peer: what, atLeast } = rows[name];
  const both = (of: (sample: Sample) => number) => ({ values: ours.map(of), beside: { what, values: peer.map(of) } });
  return [
    { what: `requests, ${name}`, unit: "a second", ...both(({ perSecond }) => perSecond), goal: { kind: "share", atLeast } },
    {
      what: `99 of 100 are answered within, ${name}`,
      unit: "ms",
      ...both(({ slow }) => slow),
      goal: { kind: "ratio", atMost: 1 },
    },
  ];
}

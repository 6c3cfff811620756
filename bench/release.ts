import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Files } from "../test/support/engine.ts";
import type { Bench } from "./support/bench.ts";
import type { Figure } from "./support/figure.ts";

/** Sites by their number of processes: one, and the default of a manifest. */
const sites = { single: 1, eight: 8 };

const runner = `import os
import time

from flask import Flask

application = Flask(__name__)


@application.route("/")
def home():
    return "home"


@application.route("/process")
def process():
    # Long enough for the next request to find another process.
    time.sleep(0.05)
    return str(os.getpid())
`;

const app = (name: string, processes: number): Files => ({
  [`apps/${name}/app.yaml`]: `name: ${name}\nrunner: src/wsgi.py\npackages: [python3-flask]\nprocesses: { count: ${processes} }\n`,
  [`apps/${name}/src/wsgi.py`]: runner,
});

const environment = `nodes:
  web1: { local: true, os: debian-12, roles: [web] }
sites:
  single: { app: apps/single, nodes: [web1], locations: ["*"] }
  eight: { app: apps/eight, nodes: [web1], locations: [eight.test] }
`;

const script = readFileSync(join(import.meta.dirname, "support/release_cost.py"), "utf8");

interface Cost {
  start: number[];
  peerStart: number[];
  memory: number[];
  peerMemory: number[];
  floorMemory: number[];
}

export const release: Bench = {
  name: "release",
  title: "What a release costs",
  how:
    "A small Flask app on a local node with Debian 12, where nothing else runs meanwhile; with one process, and with eight. " +
    "Start: from the start of the release's unit to its first answer, asked directly; the peer is a bare Apache with mod_wsgi and a configuration " +
    "of 16 lines that serves the same app with as many processes, without systemd. Memory: the sum of the proportional set sizes (PSS, of " +
    "`/proc/*/smaps_rollup`) of all processes of the release (Apache, mod_wsgi's processes, the logger), after each of mod_wsgi's has " +
    "answered; the floor, the app's own, is the sum of the same over as many bare `python3` processes that imported the app and answered one request. The same memory once more beside that of the bare Apache: what of it is Apache's own.",
  measure: async (stage, runs) => {
    const files = Object.entries(sites).flatMap(([name, processes]) => Object.entries(app(name, processes)));
    const project = await stage.project({ ...Object.fromEntries(files), "stacks/test.yaml": environment });
    stage.say("bringing up a node and two sites");
    await stage.silver(project, "up");
    const { address } = await project.node("web1");
    const figures: Figure[] = [];
    for (const [name, processes] of Object.entries(sites)) {
      stage.say(`${runs} times: ours, a bare Apache, bare Python; ${processes} of each`);
      const cost = JSON.parse(await stage.ssh(project, address, `python3 - ${name} ${processes} ${runs}`, script)) as Cost;
      const count = processes === 1 ? "one process" : `${processes} processes`;
      figures.push(
        {
          what: `start to first answer, ${count}`,
          unit: "ms",
          values: cost.start,
          beside: { what: "bare Apache and mod_wsgi", values: cost.peerStart },
        },
        {
          what: `memory, ${count}`,
          unit: "MB",
          values: cost.memory,
          beside: { what: "as many bare Python processes", values: cost.floorMemory },
          goal: { kind: "above", atMost: 5 },
        },
        {
          what: `the same memory, ${count}`,
          unit: "MB",
          values: cost.memory,
          beside: { what: "bare Apache and mod_wsgi", values: cost.peerMemory },
        },
      );
    }
    return figures;
  },
};

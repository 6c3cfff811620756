import type { Files } from "../test/support/engine.ts";
import { inTurn } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";
import { closedLoop, within } from "./support/closed-loop.ts";
import type { Figure } from "./support/figure.ts";

const windowSeconds = 15;
const connections = 32;

/** What ends a process: nothing within a window, 5,000 requests, or memory that lasts for 5,000 requests. */
const ends = {
  never: { requests: 1_000_000, leak: 0 },
  requests: { requests: 5_000, leak: 0 },
  memory: { requests: 1_000_000, leak: 32_000 },
};
type End = keyof typeof ends;

const app = (name: string, processes: number, { requests, leak }: (typeof ends)[End]): Files => ({
  [`apps/${name}/app.yaml`]: `name: ${name}\nrunner: src/wsgi.py\nprocesses: { count: ${processes}, threads: 4, memory: 200M, requests: ${requests} }\n`,
  [`apps/${name}/src/wsgi.py`]: `import os

BAG = []
BODY = str(os.getpid()).encode()


def application(environ, start_response):
    BAG.append(bytearray(b"x" * ${leak}))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]
`,
});

export const recycling: Bench = {
  name: "recycling",
  title: "Processes that are replaced",
  how:
    "A trivial Python app on one local node with Ubuntu 24.04, in 2 and in 8 processes of 4 threads, three times each: one whose processes " +
    "are never replaced, one that replaces them after 5,000 requests, and one that leaks what its memory limit of 200 MB has for about " +
    `5,000 requests. ${connections} visitors ask again as soon as they are answered, for ${windowSeconds} s each in turn. ` +
    "Visitors and node share the cores.",
  measure: async (stage, runs) => {
    const sites = [2, 8].flatMap((processes) =>
      (Object.keys(ends) as End[]).map((end) => ({ name: `${end}${processes}`, processes, end })),
    );
    const placed = sites.map(({ name }) => `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test] }\n`);
    const project = await stage.project({
      ...Object.fromEntries(sites.flatMap(({ name, processes, end }) => Object.entries(app(name, processes, ends[end])))),
      "stacks/test.yaml": `nodes:\n  web1: { local: true, os: ubuntu-24.04, roles: [web] }\nsites:\n${placed.join("")}`,
    });
    stage.say(`bringing up a node and ${sites.length} sites`);
    await stage.silver(project, "up");
    const { address } = await project.node("web1");
    const figures: Figure[] = [];
    for (const processes of [2, 8]) {
      const ask = (end: End) => async () => {
        const outcome = await closedLoop(address, `${end}${processes}.test`, connections, windowSeconds);
        const replaced = outcome.bodies.size - processes;
        stage.say(
          `${processes} processes, ${end}: ${outcome.milliseconds.length} requests, ${outcome.failed} failed, ${replaced} replaced, ` +
            `99 % within ${within(outcome, 0.99).toFixed(1)} ms`,
        );
        return outcome;
      };
      const results = await inTurn(stage, runs, { never: ask("never"), requests: ask("requests"), memory: ask("memory") });
      for (const [end, what] of [
        ["requests", "replaced after 5,000 requests"],
        ["memory", "replaced for their memory"],
      ] as const) {
        figures.push(
          {
            what: `99 of 100 requests are answered within, ${processes} processes ${what}`,
            unit: "ms",
            values: results[end].map((outcome) => within(outcome, 0.99)),
            beside: { what: "never replaced", values: results.never.map((outcome) => within(outcome, 0.99)) },
            goal: { kind: "ratio", atMost: 1.5 },
          },
          {
            what: `requests that failed, ${processes} processes ${what}`,
            unit: "requests",
            values: results[end].map(({ failed }) => failed),
            goal: { kind: "limit", atMost: 0, by: "most" },
          },
        );
      }
    }
    return figures;
  },
};

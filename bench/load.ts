import { burst } from "../test/support/load.ts";
import { inTurn } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";
import { largeSite } from "./support/large-site.ts";
import { Traffic } from "./support/traffic.ts";
import type { Outcome } from "./support/traffic.ts";

const deploys = 5;
const burstRequests = 3000;
const burstConnections = 50;

export const load: Bench = {
  name: "load",
  title: "Deploys under load",
  how:
    `The large app of \`deploy\`, on one local node with Debian 12. Each sample is ${deploys} deploys of one changed file by \`silver up\`, one right ` +
    "after another; beside it the same length of time without a deploy. The load all the while: 25 requests a second over new " +
    "connections and 25 over kept-alive ones, at fixed times whatever is still unanswered, of a page that takes 10 ms; and 4 clients " +
    "that ask for a page of 3 s over and over. Failed is every request of either kind without its right answer. " +
    `A burst is ${burstRequests} requests for that page over ${burstConnections} kept-alive connections right after a deploy, without the other load. ` +
    "Deployer, load and node share the cores.",
  measure: async (stage, runs) => {
    const { project, address, change } = await largeSite(stage);
    let windowSeconds = 0;
    const results = await inTurn(stage, runs, {
      deploys: async () => {
        const traffic = new Traffic(address);
        const start = performance.now();
        try {
          for (let deploy = 1; deploy <= deploys; deploy++) {
            change();
            await stage.silver(project, "up");
          }
        } finally {
          windowSeconds = (performance.now() - start) / 1000;
          await traffic.end();
        }
        return said(traffic.outcome);
      },
      quiet: async () => {
        const traffic = new Traffic(address);
        await stage.pause(windowSeconds).finally(() => traffic.end());
        return said(traffic.outcome);
      },
    });
    const { bursts } = await inTurn(stage, runs, {
      bursts: async () => {
        change();
        await stage.silver(project, "up");
        const sent = { requests: burstRequests, connections: burstConnections, path: "/fast" };
        const answered = await burst(address, address, sent);
        return burstRequests - (answered["200"] ?? 0);
      },
    });
    function said(outcome: Outcome): Outcome {
      const { requests, failures, slowestFast, fast99 } = outcome;
      stage.say(
        `${requests} requests in ${windowSeconds.toFixed(1)} s, ${failures.length} failed, slowest fast one ${slowestFast.toFixed(3)} s, ` +
          `99 % within ${fast99.toFixed(3)} s${failures.length > 0 ? `: ${failures.slice(0, 5).join("; ")}` : ""}`,
      );
      return outcome;
    }
    const both = (of: (outcome: Outcome) => number) => ({
      values: results.deploys.map(of),
      beside: { what: "the same time without a deploy", values: results.quiet.map(of) },
    });
    return [
      {
        what: `requests failed during ${deploys} deploys`,
        unit: "requests",
        ...both(({ failures }) => failures.length),
        goal: { kind: "limit", atMost: 0, by: "most" },
      },
      {
        what: `requests failed of the first ${burstRequests} after a deploy`,
        unit: "requests",
        values: bursts,
        goal: { kind: "limit", atMost: 0, by: "most" },
      },
      {
        what: `the slowest fast request during ${deploys} deploys`,
        unit: "s",
        ...both(({ slowestFast }) => slowestFast),
        goal: { kind: "ratio", atMost: 2 },
      },
      { what: "99 of 100 fast requests are answered within", unit: "s", ...both(({ fast99 }) => fast99) },
      { what: "requests of both kinds", unit: "requests", ...both(({ requests }) => requests) },
    ];
  },
};

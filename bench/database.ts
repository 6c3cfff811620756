import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Files } from "../test/support/engine.ts";
import type { Bench } from "./support/bench.ts";
import { smallApp } from "./support/small-app.ts";

const withDatabase = (name: string): Files => {
  const files = smallApp(name);
  const manifest = `apps/${name}/app.yaml`;
  return { ...files, [manifest]: `${String(files[manifest])}services: { db: { type: postgres } }\n` };
};

const environment = `nodes:
  web1: { local: true, os: debian-12, roles: [web] }
sites:
  one: { app: apps/one, nodes: [web1], locations: ["*"] }
  two: { app: apps/two, nodes: [web1], locations: [two.test] }
`;

const script = readFileSync(join(import.meta.dirname, "support/database_cost.py"), "utf8");

/** Samples of ours and of the shared server. */
type Pair = [ours: number[], shared: number[]];

export const database: Bench = {
  name: "database",
  title: "What a PostgreSQL server of a site's own costs",
  how:
    "A local node with Debian 12 and two sites with a database each, where nothing else runs meanwhile. The peer is one cluster of Debian's, " +
    "with its own settings, a database for each of the two and 1000 sessions, which the sites of a node would share. Start: until a session " +
    "can log in. Memory: the sum of the proportional set sizes (PSS, of `/proc/*/smaps_rollup`) of its processes, five seconds after its " +
    "start, idle. Disk: what its directory takes.",
  measure: async (stage, runs) => {
    const project = await stage.project({ ...withDatabase("one"), ...withDatabase("two"), "stacks/test.yaml": environment });
    stage.say("bringing up a node and two sites");
    await stage.silver(project, "up");
    const { address } = await project.node("web1");
    stage.say(`${runs} times: two servers, a shared one`);
    const cost = JSON.parse(await stage.ssh(project, address, `python3 - ${runs}`, script)) as Record<string, Pair>;
    const figure = (name: string, what: string, unit: "ms" | "MB") => {
      const [values, peer] = cost[name] ?? [[], []];
      return { what, unit, values, beside: { what: "one shared by both", values: peer } };
    };
    return [
      figure("start", "start of a site's server", "ms"),
      figure("memory", "memory of a site's server, idle", "MB"),
      figure("both", "memory of two sites' servers, idle", "MB"),
      figure("disk", "disk of a site's server", "MB"),
    ];
  },
};

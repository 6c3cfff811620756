import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nodeTypes, serviceType } from "../components/services/registry.ts";
import { visitor } from "../test/support/load.ts";
import { http } from "../test/support/nodes.ts";
import { seconds } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";
import type { Figure } from "./support/figure.ts";
import { smallApp } from "./support/small-app.ts";
import type { Stage } from "./support/stage.ts";

const os = "ubuntu-24.04";
const types = Object.keys(nodeTypes);
const visits = 50;

/** Each type of service on a site of its own, so that none waits for another's data. */
const environment = `nodes:
  web1: { local: true, os: ${os}, roles: [web] }
  bare: { local: true, os: ${os}, roles: [web] }
sites:
${[...types, "calm"].map((type) => `  ${siteOf(type)}: { app: apps/${siteOf(type)}, nodes: [web1], locations: [${siteOf(type)}.test] }\n`).join("")}`;

function siteOf(type: string): string {
  return type.replaceAll("_", "-");
}

export const addService: Bench = {
  name: "add-service",
  title: "Adding a service to a site that serves",
  how:
    `Two local nodes with ${os} of the same image, made anew for each sample. On one, \`silver up\` gives a running site its first service of a type, ` +
    "packages, server, new release and cut-over included; on the other, `apt-get install` gets the same packages. Meanwhile another site " +
    `is asked ${visits} times a second: failed is every request without its right answer. Nodes and visitor share the cores.`,
  measure: async (stage, runs) => {
    const ours = new Map(types.map((type) => [type, [] as number[]]));
    const bare = new Map(types.map((type) => [type, [] as number[]]));
    const failed: number[] = [];
    for (let run = 1; run <= runs; run++) {
      const inner = stage.inner();
      try {
        failed.push(await addAll(inner, ours, bare));
      } finally {
        await inner.close();
      }
    }
    return [
      ...types.map((type): Figure => ({
        what: `\`silver up\` that adds ${type}`,
        unit: "s",
        values: ours.get(type) ?? [],
        beside: { what: `apt-get install ${serviceType(type).packages.join(" ") || "of nothing"}`, values: bare.get(type) ?? [] },
        goal: { kind: "above", atMost: 5 },
      })),
      {
        what: "requests to another site that failed meanwhile",
        unit: "requests",
        values: failed,
        goal: { kind: "limit", atMost: 0, by: "most" },
      },
    ];
  },
};

/** One sample of each type; returns how many requests to the calm site failed. */
async function addAll(stage: Stage, ours: Map<string, number[]>, bare: Map<string, number[]>): Promise<number> {
  const project = await stage.project({
    ...Object.fromEntries([...types, "calm"].flatMap((type) => Object.entries(smallApp(siteOf(type))))),
    "stacks/test.yaml": environment,
  });
  stage.say("bringing up two nodes");
  await stage.silver(project, "up");
  const node = await project.node("web1");
  const { address } = await project.node("bare");
  const calm = visitor(() => http(node, "/", { Host: "calm.test" }), visits);
  for (const type of types) {
    const file = join(project.root, `apps/${siteOf(type)}/app.yaml`);
    const manifest = String(smallApp(siteOf(type))[`apps/${siteOf(type)}/app.yaml`]);
    writeFileSync(file, `${manifest.replace("1.0.0", "1.1.0")}services: { ${type}: {} }\n`);
    const time = await seconds(() => stage.silver(project, "up"));
    const { packages } = serviceType(type);
    const install = `DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${packages.join(" ")}`;
    const floor = packages.length === 0 ? 0 : await seconds(() => stage.ssh(project, address, install));
    stage.say(`${type}: ${time.toFixed(1)} s, apt-get install ${floor.toFixed(1)} s`);
    ours.get(type)?.push(time);
    bare.get(type)?.push(floor);
  }
  const wrong = (await calm.stop()).filter(({ status, body }) => status !== 200 || body !== "calm");
  if (wrong.length > 0)
    stage.say(`${wrong.length} failed, such as ${wrong[0]?.status ?? 0} ${wrong[0]?.body.slice(0, 100) ?? ""}`);
  return wrong.length;
}

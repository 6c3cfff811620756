import type { Files } from "../test/support/engine.ts";
import { http } from "../test/support/nodes.ts";
import { seconds } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";
import { smallApp } from "./support/small-app.ts";
import type { Stage } from "./support/stage.ts";

const count = 200;
/** A node of this memory is to hold them. */
const mostMegabytes = 4096;
const bootSeconds = 600;
const names = Array.from({ length: count }, (_, index) => `site${index}`);

const staticApp = (name: string): Files => ({
  [`apps/${name}/app.yaml`]: `name: ${name}\nversion: 1.0.0\nplatform: static\n`,
  [`apps/${name}/static/index.html`]: name,
});

/** Half of them static, half of them Python in one process. */
function files(): Files {
  const apps = names.flatMap((name, index) => Object.entries(index % 2 === 0 ? staticApp(name) : smallApp(name)));
  const placed = names.map((name) => `  ${name}: { app: apps/${name}, nodes: [web1], locations: [${name}.test] }\n`);
  return {
    ...Object.fromEntries(apps),
    "stacks/test.yaml": `nodes:\n  web1: { local: true, os: ubuntu-24.04, roles: [web] }\nsites:\n${placed.join("")}`,
  };
}

/** Megabytes of all of a node's processes, what they share counted once (PSS), and threads of all. */
const memoryScript = `
import glob
total = threads = 0
for path in glob.glob("/proc/[0-9]*/smaps_rollup"):
    try:
        with open(path) as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        threads += len(glob.glob(path.replace("smaps_rollup", "task/*")))
    except OSError:
        pass
print(total / 1024, threads)
`;

export const manySites: Bench = {
  name: "sites",
  title: "Many sites on one node",
  how:
    `${count} sites on one local node with Ubuntu 24.04: every other one static, the rest Python in one process. Memory: the sum of the proportional ` +
    "set sizes (PSS, of `/proc/*/smaps_rollup`) of all processes of the node, each site asked once. Then `pulumi up --yes` with " +
    "nothing to do. Then a reboot: from the command until each of the sites has answered with its own page, asked one after another.",
  measure: async (stage, runs) => {
    const project = await stage.project(files());
    stage.say(`bringing up a node and ${count} sites`);
    const up = await seconds(() => stage.silver(project, "up"));
    stage.say(`${count} sites in ${up.toFixed(0)} s`);
    const { address } = await project.node("web1");
    const memory: number[] = [];
    const unchanged: number[] = [];
    const boot: number[] = [];
    for (let run = 1; run <= runs; run++) {
      await allAnswer(stage, address);
      const [megabytes = NaN, threads = NaN] = (await stage.ssh(project, address, "python3 -", memoryScript))
        .split(" ")
        .map(Number);
      memory.push(megabytes);
      unchanged.push(await seconds(() => stage.pulumiUp(project.engine)));
      boot.push(
        await seconds(async () => {
          // The connection may break before the command ends.
          await stage.ssh(project, address, "systemctl reboot").catch(() => undefined);
          await allAnswer(stage, address);
        }),
      );
      stage.say(
        `${run}/${runs}: ${megabytes.toFixed(0)} MB, ${threads} threads, unchanged in ${unchanged.at(-1)?.toFixed(1) ?? ""} s, ` +
          `back after ${boot.at(-1)?.toFixed(1) ?? ""} s`,
      );
    }
    return [
      {
        what: `memory of ${count} sites and their node`,
        unit: "MB",
        values: memory,
        goal: { kind: "limit", atMost: mostMegabytes },
      },
      { what: `\`pulumi up\`, ${count} sites on 1 node, unchanged`, unit: "s", values: unchanged },
      { what: `a reboot until ${count} sites answer`, unit: "s", values: boot },
    ];
  },
};

/** Returns once each site has answered with its own page since the call. */
async function allAnswer(stage: Stage, address: string): Promise<void> {
  const deadline = performance.now() + bootSeconds * 1000;
  for (const name of names) {
    for (;;) {
      stage.checkStopped();
      const answer = await http({ address }, "/", { Host: `${name}.test` }).catch(() => undefined);
      if (answer?.status === 200 && answer.body === name) break;
      if (performance.now() > deadline)
        throw new Error(`${name} did not answer within ${bootSeconds} s: ${answer?.status ?? "none"}`);
      await stage.pause(0.05);
    }
  }
}

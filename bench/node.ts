import { cloneOf } from "../components/machines/clone.ts";
import { ensureNode } from "../components/machines/local-machine.ts";
import type { Project } from "../test/support/project.ts";
import { loadPlan } from "../components/plan/load.ts";
import { renderNodeState } from "../components/render/node-state.ts";
import { inTurn, seconds } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";
import { timeToAnswer } from "./support/first-answer.ts";
import { smallApp } from "./support/small-app.ts";
import { Stage } from "./support/stage.ts";

const environment = `nodes:
  web1: { local: true, os: debian-12, roles: [web] }
sites:
  small: { app: apps/small, nodes: [web1], locations: ["*"] }
`;

export const emptyNode: Bench = {
  name: "node",
  title: "From an empty node to the first answer",
  how:
    "A local node with Debian 12, just booted, as its image has it: nothing installed, no package lists. `silver up` to the first answer " +
    "of a small Python site. The floor is another such node, on which one ssh command runs `apt-get update` and `apt-get install` of the " +
    "same packages. A new pair of nodes each time.",
  measure: async (stage, runs) => {
    const results = await inTurn(stage, runs, {
      ours: (run) =>
        withFreshNode(stage, run, async (project, address) => {
          const { answer } = await timeToAnswer(
            address,
            ({ body }) => body === "small",
            () => stage.silver(project, "up"),
          );
          return answer;
        }),
      floor: (run) =>
        withFreshNode(stage, run, async (project, address) => {
          const install = ["apt-get", "-q", "-y", "--no-install-recommends", "install", ...packagesOf(project)].join(" ");
          const command = `export DEBIAN_FRONTEND=noninteractive; apt-get -q update && ${install}`;
          return await seconds(() => stage.ssh(project, address, command));
        }),
    });
    return [
      {
        what: "`silver up` on an empty node, to the first answer",
        unit: "s",
        values: results.ours,
        beside: { what: "apt-get of the same packages", values: results.floor },
        goal: { kind: "above", atMost: 15 },
      },
    ];
  },
};

/** A project whose one node is booted and has only what its image has; both are removed afterwards. */
async function withFreshNode(
  stage: Stage,
  run: number,
  use: (project: Project, address: string) => Promise<number>,
): Promise<number> {
  const own = stage.inner();
  try {
    const project = await own.project({ ...smallApp("small"), "stacks/test.yaml": environment });
    const clone = cloneOf(project.root);
    const { address } = await ensureNode(clone, { name: "web1", os: "debian-12", prepared: [] }, (line) => {
      // Reports only what takes minutes.
      if (line.startsWith("  … Node image")) stage.say(line.trim());
    });
    stage.say(`${run}: the node is booted`);
    return await use(project, address);
  } finally {
    await own.close();
  }
}

function packagesOf(project: Project): string[] {
  const plan = loadPlan(project.root, "test").value;
  const [node] = plan?.nodes ?? [];
  if (plan === undefined || node === undefined) throw new Error("the plan has no node");
  return renderNodeState(plan, node).packages;
}

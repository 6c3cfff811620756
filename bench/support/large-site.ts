import type { Answer } from "../../test/support/nodes.ts";
import type { Project } from "../../test/support/project.ts";
import { greetingOf, largeApp } from "./large-app.ts";
import type { Stage } from "./stage.ts";

const environment = `nodes:
  web1: { local: true, os: debian-12, roles: [web] }
sites:
  large: { app: apps/large, nodes: [web1], locations: ["*"] }
`;

/** The large app on a local node, served. */
export interface LargeSite {
  project: Project;
  address: string;
  /** Changes one file of the app; returns what tells that release's answer. */
  change: () => (answer: Answer) => boolean;
}

export async function largeSite(stage: Stage): Promise<LargeSite> {
  const project = await stage.project({ ...largeApp(), "stacks/test.yaml": environment });
  stage.say("bringing up a node and the app");
  await stage.silver(project, "up");
  let changes = 0;
  return {
    project,
    address: (await project.node("web1")).address,
    change: () => {
      const greeting = `release ${++changes}`;
      project.engine.write(greetingOf(greeting));
      return ({ body }) => body === greeting;
    },
  };
}

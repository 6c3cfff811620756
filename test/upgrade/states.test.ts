// Yesterday's state under today's program: nothing is replaced, made or lost, and no reviewed fact changes by itself.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { recordedFiles } from "./recorded-files.ts";

const directory = join(import.meta.dirname, "states");
const states = readdirSync(directory);
/** Since nodes have owners a machine's command prints one, so that it runs once more, and until then it is unknown how it is reached. */
const ownersCame = ["environment.owner", "addPreviousOutputInEnv", "delete", "connection"];

describe.each(states)("the state %s", (name) => {
  let project: Project | undefined;
  afterAll(async () => {
    // Its node is long gone: there is nothing to destroy.
    await project?.engine.run("stack", "rm", "--force", "--yes");
    await project?.remove();
  });

  test("previews without a resource made, replaced or deleted", async () => {
    project = await withProject(recordedFiles);
    const imported = await project.engine.run("stack", "import", "--file", join(directory, name));
    expect(imported.code, imported.output).toBe(0);
    const { steps } = await project.engine.previewJson();
    expect((await project.engine.exportState()).deployment.resources).toHaveLength(8);
    // Only what would change is a step.
    expect(steps.filter(({ op }) => !["same", "update"].includes(op))).toEqual([]);
    // A new agent or template may run again; what is updated says so in these inputs and no other.
    const updated = steps.flatMap(({ detailedDiff }) => Object.keys(detailedDiff ?? {}));
    const known = ["create", "stdin", "environment.release", ...ownersCame];
    expect(updated.filter((path) => !known.includes(path))).toEqual([]);
  });
});

test("there is a state to hold today's program against", () => {
  expect(states).not.toEqual([]);
});

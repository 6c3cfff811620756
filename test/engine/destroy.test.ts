// What takes an environment down, over the real engine and a state whose commands write down that they were taken away.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { withProject, type Project } from "../support/project.ts";
import { recordedFiles } from "../upgrade/recorded-files.ts";

const checkout = resolve(import.meta.dirname, "../..");

interface Resource {
  urn: string;
  type: string;
  parent?: string;
  dependencies?: string[];
  protect?: boolean;
  inputs?: { environment?: Record<string, string>; delete?: string };
  outputs?: { environment?: Record<string, string>; delete?: string };
}
interface State {
  deployment: { resources: Resource[] };
}

let project: Project;
/** Names of what was taken away. */
let gone: string;

const nameOf = (urn: string) => urn.split("::").at(-1) ?? urn;
const taken = () => (existsSync(gone) ? readFileSync(gone, "utf8").trim().split("\n") : []);
const names = async () => {
  const { deployment } = await project.engine.exportState();
  return (deployment.resources ?? []).flatMap(({ urn, type }) => (type.startsWith("pulumi:") ? [] : [nameOf(urn)])).sort();
};

/** The recorded state with a site that has data, and one that has none; protected as the program does it. */
async function importState(isProtected: boolean): Promise<void> {
  project.engine.write({ "stacks/test.yaml": `${isProtected ? "protected: true\n" : ""}${recordedFiles["stacks/test.yaml"]}` });
  const recorded = JSON.parse(readFileSync(join(checkout, "test/upgrade/states/0.1.0.json"), "utf8")) as State;
  const [wikis] = [recorded.deployment.resources.filter(({ urn }) => /::greeter(-rollout)?$/.test(urn))].map((own) =>
    own.map((resource) => JSON.parse(JSON.stringify(resource).replaceAll("greeter", "wiki")) as Resource),
  );
  const resources = [...recorded.deployment.resources, ...(wikis ?? [])].map((resource): Resource => {
    if (resource.type.startsWith("pulumi:")) return resource;
    const name = nameOf(resource.urn);
    const variables = { ...resource.inputs?.environment, ...(name === "greeter-rollout" ? { service_db: "postgres" } : {}) };
    const own = { environment: variables, delete: `echo ${name} >>${gone}` };
    const isCommand = resource.type === "command:local:Command";
    return {
      ...resource,
      ...(isProtected && !name.startsWith("wiki") ? { protect: true } : {}),
      ...(isCommand ? { inputs: { ...resource.inputs, ...own }, outputs: { ...resource.outputs, ...own } } : {}),
    };
  });
  const all = isProtected ? [...resources, protection(resources)] : resources;
  const file = join(project.engine.folder, "made.json");
  writeFileSync(file, JSON.stringify({ ...recorded, deployment: { ...recorded.deployment, resources: all } }));
  const { code, output } = await project.engine.run("stack", "import", "--force", "--file", file);
  if (code !== 0) throw new Error(output);
}

/** The command that depends on every site, like one of them. */
function protection(resources: readonly Resource[]): Resource {
  const rollouts = resources.filter(({ urn }) => urn.endsWith("-rollout"));
  const [like] = rollouts;
  if (like === undefined) throw new Error("no rollout is recorded");
  const own = { create: "true", delete: "node ../components/rollout/keep.ts test" };
  return {
    ...like,
    urn: "urn:pulumi:test::silverlining::command:local:Command::protection",
    parent: resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.urn ?? "",
    dependencies: rollouts.map(({ urn }) => urn),
    protect: false,
    inputs: own,
    outputs: own,
  };
}

const silver = (words: string[], input = "") =>
  spawnSync(process.execPath, ["cli/main.ts", ...words], {
    cwd: project.root,
    env: project.engine.environment,
    encoding: "utf8",
    input,
  });

beforeAll(async () => {
  project = await withProject(recordedFiles);
  gone = join(project.engine.folder, "gone");
});

beforeEach(() => {
  rmSync(gone, { force: true });
});

afterAll(async () => {
  await project.engine.run("stack", "rm", "--force", "--yes");
  await project.remove();
});

test.each([
  ["", ["destroy", "--yes", "--skip-preview"]],
  ["that goes on after an error", ["destroy", "--yes", "--skip-preview", "--continue-on-error"]],
  ["of a site without data", ["destroy", "--yes", "--skip-preview", "--target", "**wiki-rollout", "--target-dependents"]],
])("pulumi destroy %s of a protected environment is refused before anything is touched", async (_, words) => {
  await importState(true);
  const before = await names();
  const { code, output } = await project.engine.run(...words);
  expect(code, output).not.toBe(0);
  expect(output).toMatch(/test stays as it is: stacks\/test\.yaml is protected|cannot be deleted\s+because it is protected/);
  expect(taken()).toEqual([]);
  expect(await names()).toEqual(before);
});

test.each([
  ["nothing", "", "nothing was typed: test stays as it is"],
  ["yes", "yes\n", '"yes" is not its name: test stays as it is'],
  ["another environment", "dev\n", '"dev" is not its name'],
  ["a part of its name", "tes\n", '"tes" is not its name'],
])("silver destroy touches nothing where %s is typed", async (_, input, said) => {
  await importState(true);
  const before = await names();
  const { status, stdout, stderr } = silver(["destroy", "test"], input);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toBe(
    `test, which is protected, goes:\n  greeter  site  with data (db)\n  wiki     site\n  web1     node  removed, with its disk\nType its name to destroy it: \n✗ ${said}${said.endsWith("is") ? "" : ": test stays as it is"}\n  type test when silver destroy asks for it\n`,
  );
  expect(taken()).toEqual([]);
  expect(await names()).toEqual(before);
});

test.each([true, false])("silver destroy takes all down once its name is typed (protected: %s)", async (isProtected) => {
  await importState(isProtected);
  const { status, stdout, stderr } = silver(["destroy", "test"], "test\n");
  expect(status, stdout + stderr).toBe(0);
  expect(stderr).toContain(isProtected ? "test, which is protected, goes:\n" : "test goes:\n");
  expect(stdout).toMatch(/✓ test is down\n$/);
  expect(taken()).toEqual(expect.arrayContaining(["greeter-rollout", "wiki-rollout", "web1-machine"]));
  expect(await names()).toEqual([]);
  // Again: nothing is left to ask for.
  expect(silver(["--json", "destroy", "test"])).toMatchObject({
    status: 0,
    stdout: '{\n  "environment": "test",\n  "sites": []\n}\n',
  });
});

test("the environment is named, never the one that is selected", async () => {
  await importState(false);
  expect(silver(["destroy"], "test\n")).toMatchObject({ status: 2, stdout: "" });
  expect(silver(["destroy", "test", "-e", "test"], "test\n")).toMatchObject({ status: 2, stdout: "" });
  expect(silver(["destroy", "tset"], "tset\n")).toMatchObject({
    status: 2,
    stderr: "✗ there is no environment tset: stacks/tset.yaml does not exist\n  did you mean test?\n",
  });
  expect(taken()).toEqual([]);
});

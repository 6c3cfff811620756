// Two environments and one machine, by pulumi and silver as people have them: whose the node is, how it goes over, and who leaves it.
import { execFileSync, spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { greeter } from "../support/greeter.ts";
import { http, ssh, trySsh, useNodes, webPackages, type TestNode } from "../support/nodes.ts";
import { withProject, type Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

const suite = useNodes("claim");
const sites = 'sites:\n  greeter: { app: apps/greeter, nodes: [web1], locations: ["*"] }\n';
const body = async (node: TestNode): Promise<string> => (await http(node, "/")).body;

describe("a machine of somebody's, in two environments of one name that keep their states in directories", () => {
  let node: TestNode;
  let first: Project;
  let second: Project;

  const projectOn = async (greeting: string): Promise<Project> => {
    const machine = `{ host: ${node.address}, os: ${testOs}, roles: [web], hostKey: "${node.hostKey}" }`;
    const environment = `ssh: { user: root }\nnodes:\n  web1: ${machine}\n${sites}`;
    const project = await withProject({ ...greeter(greeting), "stacks/test.yaml": environment });
    execFileSync("ssh-add", ["-q", node.keyFile], { env: project.engine.environment });
    return project;
  };
  const claim = (input: string) =>
    spawnSync(process.execPath, ["cli/main.ts", "-e", "test", "claim", "web1"], {
      cwd: second.root,
      env: second.engine.environment,
      encoding: "utf8",
      input,
    });

  beforeAll(async () => {
    node = await suite.boot("web1", { prepared: webPackages });
    first = await projectOn("first");
    second = await projectOn("second");
    await first.engine.up();
  });
  afterAll(async () => {
    await first.remove();
    await second.remove();
  });

  test("the second is refused with the first one's name, and nothing of the first changes", async () => {
    const output = await second.engine.upFails("--continue-on-error");
    expect(output).toContain("claimed: web1 is another environment's: silverlining/test, whose state is in file://");
    expect(output).toContain("silver claim web1 -e test, which asks");
    expect(await body(node)).toBe("first");
    expect(await first.engine.up()).toContain("7 unchanged");
  });

  test("it takes the node once the owner's name is typed, and the first is refused from then on", async () => {
    expect(claim("yes\n")).toMatchObject({ status: 1, stderr: expect.stringContaining("web1 is silverlining/test's") as string });
    expect(claim("silverlining/test\n")).toMatchObject({ status: 0 });
    await second.engine.up();
    expect(await body(node)).toBe("second");
    first.edit("apps/greeter/wsgi.py", "first", "first again");
    expect(await first.engine.upFails()).toContain("web1, lease: web1 is another environment's");
    expect(await body(node)).toBe("second");
  });

  test("the one that lost the node goes without it, and the one that has it gives it up as it goes", async () => {
    await first.engine.destroy();
    expect(await body(node)).toBe("second");
    await second.engine.destroy();
    const { stdout } = await trySsh(node, "ls /etc/silver/claim.json /var/lib/silver/claim.json 2>/dev/null");
    expect(stdout).toBe("");
    expect(await ssh(node, "ls /srv/silver/.archive")).toContain("greeter-");
  });
});

describe("a local node that two environments of one checkout declare", () => {
  let project: Project;
  const environment = `nodes:\n  web1: { local: true, os: ${testOs}, roles: [web] }\n${sites}`;

  beforeAll(async () => {
    project = await withProject({
      ...greeter("first"),
      "stacks/test.yaml": environment,
      "stacks/other.yaml": environment,
    });
    await project.prepare("web1");
    await project.engine.up();
  });
  afterAll(() => project.remove());

  test("is the first one's: the other is refused, and goes without it", async () => {
    const { engine } = project;
    expect((await engine.run("stack", "init", "other")).code).toBe(0);
    const refused = await engine.run("up", "--yes", "--skip-preview", "--stack", "other");
    expect(refused.code).not.toBe(0);
    expect(refused.output).toContain("node web1 of this checkout is another environment's: silverlining/test");
    const gone = await engine.run("destroy", "--yes", "--skip-preview", "--stack", "other");
    expect(gone.code, gone.output).toBe(0);
    expect(await body(await project.node("web1"))).toBe("first");
  });
});

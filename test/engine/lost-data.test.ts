// What would leave data behind is refused by the program itself, before anything runs, whoever starts it. No node is needed.
import { execFileSync, spawnSync } from "node:child_process";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { withProject, type Project } from "../support/project.ts";
import { importState, settle } from "../support/settled.ts";
import { recordedFiles } from "../upgrade/recorded-files.ts";

const environmentFile = "stacks/test.yaml";
const { "apps/greeter/app.yaml": manifest = "" } = recordedFiles as Record<string, string>;
const withData = `${manifest}\nservices: { db: { type: postgres }, files: { quota: 1G } }\n`;

const web = (name: string, of = "debian-12") => `  ${name}: { local: true, os: ${of}, roles: [web] }\n`;
const sites = (on: string) => `sites:\n  greeter: { app: apps/greeter, nodes: [${on}], locations: ["*"] }\n`;
const declared = (more = "", nodes = web("web1"), placed = sites("web1")) => `${more}nodes:\n${nodes}${placed}`;

let project: Project;

function git(...words: string[]): void {
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...words], { cwd: project.root });
}

function comment(...words: string[]): { status: number | null; stdout: string } {
  return spawnSync(process.execPath, ["cli/main.ts", "-e", "test", "preview", "--markdown", ...words], {
    cwd: project.root,
    env: project.engine.environment,
    encoding: "utf8",
  });
}

/** What is deployed, as far as it is told here. */
async function standing(): Promise<string[]> {
  const { deployment } = await project.engine.exportState();
  const all = deployment.resources ?? [];
  return all.flatMap(({ urn, type }) => (type.startsWith("pulumi:providers:") ? [] : [urn.split("::").at(-1) ?? urn]));
}

beforeAll(async () => {
  project = await withProject({ ...recordedFiles, "apps/greeter/app.yaml": withData });
  project.engine.write({ ".gitignore": "node_modules\n.silver\n", [environmentFile]: declared() });
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("commit", "-qm", "base");
  await importState(project, "0.1.0.json");
  await settle(project);
});

afterEach(() => {
  git("checkout", "-q", "--", ".");
  git("clean", "-qfd", "apps");
});

afterAll(async () => {
  await project.engine.run("stack", "rm", "--force", "--yes");
  await project.remove();
});

test("a stack with data previews as before, and nothing runs", async () => {
  expect(await project.engine.up()).toContain("unchanged");
});

test("a site with data that moves to another node is refused before anything runs", async () => {
  project.engine.write({ [environmentFile]: declared("", web("web1") + web("web2"), sites("web2")) });
  const before = await standing();
  const output = await project.engine.upFails("--continue-on-error");
  expect(output).toContain("stacks/test.yaml error [lost-data] db, files of greeter would start empty on web2");
  expect(output).toContain("  keep greeter on web1; ");
  expect(await standing()).toEqual(before);
  const { status, stdout } = comment("--accept", "DATA", "REPLACED", "RETIRED");
  expect(status).toBe(1);
  expect(stdout).toMatch(
    /^<!-- silver test -->\n\*\*test · 1 site changes.* · DATA greeter · ✘ refused greeter, the preview failed\*\*\n/,
  );
  expect(stdout).toContain("refused: db, files of greeter would start empty on web2: the data stays on web1");
  expect(stdout).not.toMatch(/\n\s+at .*\.ts/);
});

test("other bytes under one version pass where nothing is protected", () => {
  project.engine.write({ "apps/greeter/more.txt": "more" });
  const { status, stdout } = comment();
  expect(stdout).toContain("same version, other bytes");
  expect(status).toBe(0);
});

describe("a protected environment", () => {
  beforeAll(async () => {
    project.engine.write({ [environmentFile]: declared("protected: true\n") });
    git("commit", "-qam", "protect");
    // Nothing runs on a node: only what the engine may delete changes.
    await project.engine.up();
    const { deployment } = await project.engine.exportState();
    const [held] = (deployment.resources ?? []).filter(({ urn }) => urn.endsWith("::protection"));
    expect(held).toMatchObject({ dependencies: [expect.stringMatching(/::greeter-rollout$/)] });
  });

  test.each([
    ["where protected stays", "protected: true\n"],
    ["where the same change takes protected out", ""],
  ])("keeps the data of a site, %s", async (_, more) => {
    project.engine.write({
      [environmentFile]: declared(more),
      "apps/greeter/app.yaml": withData.replace(", files: { quota: 1G }", "").replace("1.0.0", "1.1.0"),
    });
    const before = await standing();
    const output = await project.engine.upFails("--continue-on-error");
    expect(output).toContain("[lost-data] greeter no longer has files, and a protected environment keeps the data");
    expect(await standing()).toEqual(before);
  });

  test("keeps a site with data", async () => {
    project.engine.write({ [environmentFile]: declared("protected: true\n", web("web1"), "sites: {}\n") });
    const before = await standing();
    expect(await project.engine.upFails("--continue-on-error")).toContain("[lost-data] greeter has data (db, files)");
    expect(await standing()).toEqual(before);
    const { status, stdout } = comment("--accept", "DATA", "REPLACED", "RETIRED");
    expect(status).toBe(1);
    expect(stdout).toContain("✘ refused greeter");
    expect(stdout).toContain("refused: greeter has data (db, files), and a protected environment keeps it");
  });

  test("has one bundle a version", async () => {
    project.engine.write({ "apps/greeter/more.txt": "more" });
    expect(await project.engine.upFails()).toMatch(/\[lost-data\] greeter 1\.0\.0 has other bytes than before/);
    expect(comment().stdout).toContain("  raise the version of greeter");
  });

  test("is not destroyed", async () => {
    const before = await standing();
    const { code, output } = await project.engine.run("destroy", "--yes", "--skip-preview");
    expect(code).not.toBe(0);
    expect(output).toContain("protected");
    expect(await standing()).toEqual(before);
  });

  test("is given up by a change of its own", async () => {
    project.engine.write({ [environmentFile]: declared() });
    await project.engine.up();
    const { deployment } = await project.engine.exportState();
    expect(JSON.stringify(deployment)).not.toContain('"protect":true');
    expect(JSON.stringify(deployment)).not.toContain("::protection");
  });
});

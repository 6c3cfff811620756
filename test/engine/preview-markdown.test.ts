// The comment on a pull request, made by the real engine from a recorded state and real changes. No node is needed.
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectGolden } from "../support/golden.ts";
import { withProject, type Project } from "../support/project.ts";
import type { Files } from "../support/engine.ts";
import { importState, settle, settleMachines } from "../support/settled.ts";
import { recordedFiles } from "../upgrade/recorded-files.ts";

const checkout = resolve(import.meta.dirname, "../..");
const environmentFile = "stacks/test.yaml";
const site = 'greeter: { app: apps/greeter, nodes: [web1], locations: ["*"]';
const nodes = "nodes:\n  web1: { local: true, os: debian-12, roles: [web] }\n";

const recorded: Files = recordedFiles;
let project: Project;

function git(...words: string[]): void {
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...words], { cwd: project.root });
}

function preview(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["cli/main.ts", "-e", "test", "preview", "--markdown", ...words], {
    cwd: project.root,
    env: project.engine.environment,
    encoding: "utf8",
  });
}

const setSecret = () =>
  project.engine.run("config", "set", "--secret", "--path", 'silverlining:secrets["greeter.API_KEY@1"]', "hunter2-swordfish");

const plain = () =>
  execFileSync(process.execPath, ["cli/main.ts", "-e", "test", "preview"], {
    cwd: project.root,
    env: project.engine.environment,
    encoding: "utf8",
  });

/** Ids that follow from the program's own texts: another agent or template must not need another golden file. */
function steady(markdown: string): string {
  return markdown
    .replaceAll(/([0-9a-f]{8})\.[0-9a-f]{8}\b/g, "$1.########")
    .replaceAll(/`[0-9a-f]{10}(\.\.[0-9a-f]{10})?`/g, (range) => range.replaceAll(/[0-9a-f]/g, "#"))
    .replaceAll(/agent(: | +)[0-9a-f]{8}( → [0-9a-f]{8})?/g, "agent$1########");
}

beforeAll(async () => {
  project = await withProject(recordedFiles);
  project.engine.write({ ".gitignore": "node_modules\n.silver\n" });
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("commit", "-qm", "base");
  await importState(project, "0.1.0.json");
  await settleMachines(project);
});

afterEach(() => {
  git("checkout", "-q", "--", ".");
  git("clean", "-qfd", "apps", "components");
});

afterAll(async () => {
  // Its node is long gone: there is nothing to destroy.
  await project.engine.run("stack", "rm", "--force", "--yes");
  await project.remove();
});

test("a node set up by an older program runs again, and its agent is the why", () => {
  appendFileSync(join(project.root, "components/node/agent/silver/errors.py"), "# newer\n");
  const { status, stdout } = preview();
  expect(status).toBe(0);
  // The older program of the recorded state installed less, too.
  expect(stdout).toContain("  web1-state: packages, agent\n");
});

describe("over a state that today's program made", () => {
  beforeAll(() => settle(project));

  const golden = (name: string, status: number, ...words: string[]) => {
    const found = preview(...words);
    expect(found.status, found.stderr + found.stdout).toBe(status);
    expect(found.stdout).not.toContain("stand-in");
    expectGolden(`preview/${name}.md`, steady(found.stdout));
  };

  test("nothing changed", () => {
    golden("unchanged", 0);
  });

  test("a new version", () => {
    const { "apps/greeter/app.yaml": manifest = "" } = recorded;
    project.engine.write({ "apps/greeter/app.yaml": manifest.replace("1.0.0", "1.1.0") });
    golden("version", 0);
  });

  test("config alone", async () => {
    await setSecret();
    project.engine.write({
      [environmentFile]: `${nodes}sites:\n  ${site}, config: { GREETING: "a \`\`\` b", API_KEY: { secret: 1 } } }\n`,
    });
    expect(preview().stdout).not.toContain("hunter2");
    golden("config", 0);
  });

  test("how a site is checked, which stands in no fact of its command, is told by git", () => {
    const { "apps/greeter/app.yaml": manifest = "" } = recorded;
    project.engine.write({ "apps/greeter/app.yaml": manifest.replace("within: 20s", "within: 40s") });
    golden("check", 0);
  });

  test("a new site", () => {
    project.engine.write({
      "apps/wiki/app.yaml": "name: wiki\nversion: 0.1.0\nrunner: wsgi.py\npackages: [python3-markdown]\n",
      "apps/wiki/wsgi.py": "def application(environ, start_response): ...\n",
      [environmentFile]: `${nodes}sites:\n  ${site} }\n  wiki: { app: apps/wiki, nodes: [web1], locations: [wiki.example.org] }\n`,
    });
    golden("new-site", 0);
  });

  test("a broken site stops the merge and is not taken for one that goes; what happens to the others is told", () => {
    project.engine.write({
      "apps/greeter/app.yaml": "name: greeter\nrunnr: wsgi.py\n",
      "apps/wiki/app.yaml": "name: wiki\nversion: 0.1.0\nrunner: wsgi.py\n",
      "apps/wiki/wsgi.py": "def application(environ, start_response): ...\n",
      [environmentFile]: `${nodes}sites:\n  ${site} }\n  wiki: { app: apps/wiki, nodes: [web1], locations: [wiki.example.org] }\n`,
    });
    golden("broken-site", 1, "--accept", "DATA", "REPLACED", "RETIRED");
    expect(preview().stderr).toContain('apps/greeter/app.yaml:2:1 error [unknown-key] "runnr" is not a key\n  2 | runnr');
  });

  test("what is doubtful in the files, and what the environment decides in place of a manifest", async () => {
    await setSecret();
    project.engine.write({
      "apps/wiki/app.ini": "[production]\napp_name = wiki\nversion = 3\nrunner = wsgi.py\ndefault_host = wiki.example.org\n",
      "apps/wiki/wsgi.py": "def application(environ, start_response): ...\n",
      [environmentFile]: `${nodes}sites:\n  ${site}, config: { API_KEY: { secret: 1 } }, limits: { processes: 12 } }\n  wiki: { app: apps/wiki, nodes: [web1], locations: [wiki.example.org], limits: { memory: 1G } }\n`,
    });
    const { stdout } = preview();
    for (const text of [stdout, plain()]) {
      expect(text).toContain("⚠ apps/wiki/app.ini:5:1 [old-key] ");
      // Told once: the program itself warns of it, too.
      expect(text.split("[old-key]").length).toBe(3);
      expect(text).not.toContain("hunter2");
    }
    golden("warnings", 0);
  });

  test("a site that goes is RETIRED, and passes when a person accepts it", () => {
    project.engine.write({ [environmentFile]: `${nodes}sites: {}\n` });
    golden("removed-site", 1);
    golden("removed-site-accepted", 0, "--accept", "RETIRED");
  });

  test("a machine made anew is REPLACED, and its sites come after it", () => {
    project.engine.write({ [environmentFile]: `${nodes.replace("debian-12", "debian-13")}sites:\n  ${site} }\n` });
    golden("replaced-machine", 1);
  });

  test("a preview that fails says why, without a stack trace, below what git says: a rotation without its value, too", () => {
    project.engine.write({ [environmentFile]: `${nodes}sites:\n  ${site}, config: { KEY: { secret: 1 } } }\n` });
    const { status, stdout, stderr } = preview("--accept", "DATA", "REPLACED", "RETIRED");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^<!-- silver test -->\n\*\*test · 1 site changes, .* · ✘ the preview failed\*\*\n/);
    expect(stdout).toContain("         config  + KEY secret, version 1\n");
    for (const text of [stdout, stderr]) {
      expect(text).toContain("names version 1 of the secret KEY, which stacks/Pulumi.test.yaml does not have");
      expect(text).not.toMatch(/\n\s+at .*\.ts/);
    }
  });

  test("an environment that can't be planned yields a comment, with its errors", () => {
    project.engine.write({ [environmentFile]: `${nodes}sits:\n  ${site} }\n` });
    const { status, stdout } = preview("HEAD");
    expect(status).toBe(1);
    expect(stdout).toMatch(/^<!-- silver test -->\n\*\*test · not planned · ✘ what would change is unknown\*\*\n/);
    expect(stdout).toContain('stacks/test.yaml:3:1 [unknown-key] "sits" is not a key\n  did you mean sites?\n');
    rmSync(join(project.root, environmentFile));
    expect(preview("HEAD").stdout).toContain("there is no environment test: stacks/test.yaml does not exist\n");
  });

  test("where that of the base can't be planned, what Pulumi sees is told with it, and stops the merge", () => {
    project.engine.write({ [environmentFile]: "nodes: [\n" });
    git("commit", "-qam", "broken");
    const [broken = ""] = execFileSync("git", ["rev-parse", "HEAD"], { cwd: project.root, encoding: "utf8" }).split("\n");
    git("reset", "-q", "--hard", "HEAD^");
    const { "apps/greeter/app.yaml": manifest = "" } = recorded;
    project.engine.write({ "apps/greeter/app.yaml": manifest.replace("1.0.0", "1.1.0") });
    const { status, stdout } = preview(broken);
    expect(status).toBe(1);
    expect(stdout).toContain(" · ✘ the base can't be planned**\n");
    expect(stdout).toContain("         version  1.0.0 → 1.1.0\n");
    expect(stdout).toContain(
      `✘ the base can't be planned; what is above is what Pulumi says:\n  test can't be planned as it is in ${broken}\n`,
    );
    expect(stdout).toContain("  stacks/test.yaml:1:");
    expect(stdout).toContain("  correct that on the base branch first\n");
  });

  test("a preview that can't begin yields a comment without what this machine was given in secret", () => {
    const env = {
      ...project.engine.environment,
      PULUMI_BACKEND_URL: "postgres://pulumi:hunter2@127.0.0.1:1/state",
      PULUMI_CONFIG_PASSPHRASE: "swordfish-of-the-team",
    };
    for (const words of [["no-such-base"], ["HEAD"]]) {
      const { status, stdout } = spawnSync(process.execPath, ["cli/main.ts", "-e", "test", "preview", "--markdown", ...words], {
        cwd: project.root,
        env,
        encoding: "utf8",
      });
      expect(status).not.toBe(0);
      expect(stdout).toMatch(/^<!-- silver test -->\n\*\*test · .*✘/);
      expect(stdout).not.toMatch(/hunter2|swordfish/);
    }
  });

  test("where the only site is broken, that is the comment", () => {
    rmSync(join(project.root, "apps/greeter/wsgi.py"));
    const { status, stdout } = preview();
    expect(status).toBe(1);
    expect(stdout).toContain("✘ broken greeter**");
    expect(stdout).toContain("runner wsgi.py does not exist in apps/greeter");
  });

  describe("when the program renders another way", () => {
    const wrapper = "components/platforms/python/wsgi.py";
    beforeEach(() => {
      project.engine.write({ [wrapper]: `${readFileSync(join(checkout, wrapper), "utf8")}# more\n` });
    });

    test("its files are the why", () => {
      golden("program", 0);
    });

    test("they are not judged where the program that would be merged is another one", () => {
      git("commit", "-qam", "program");
      const [merged = ""] = execFileSync("git", ["rev-parse", "HEAD"], { cwd: project.root, encoding: "utf8" }).split("\n");
      // As in CI: the program of the base, with apps and environments of the change.
      git("reset", "-q", "--hard", "HEAD^");
      golden("not-judged", 1, "HEAD", "--head", merged);
      expect(preview("HEAD", "--head", merged, "--accept", "PROGRAM").status).toBe(0);
    });

    test("what runs though neither a file nor a fact changed is unexplained, and nobody can accept it", () => {
      git("commit", "-qam", "program");
      golden("unexplained", 1, "--accept", "DATA", "REPLACED", "RETIRED");
      git("reset", "-q", "--hard", "HEAD^");
    });
  });
});

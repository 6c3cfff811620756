// The `run:` steps of docs/ci, as they stand, in a repository with a pull request: a stack whose state is kept elsewhere, the real
// engine, and of GitHub's programs only `gh`, which writes down what it is given.
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { parse } from "yaml";
import { poll } from "../support/nodes.ts";

const checkout = resolve(import.meta.dirname, "../..");
const workflow = z.object({
  env: z.record(z.string(), z.string()).default({}),
  jobs: z.record(
    z.string(),
    z.object({
      env: z.record(z.string(), z.string()).default({}),
      steps: z.array(
        z.object({
          name: z.string().optional(),
          env: z.record(z.string(), z.string()).default({}),
          run: z.string().optional(),
        }),
      ),
    }),
  ),
});
const PASSPHRASE = "a passphrase of the team";
let folder: string;
/** The clone that a job works in. */
let workspace: string;
let merged: string;

const write = (path: string, content: string, mode = 0o644) => {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  chmodSync(file, mode);
};
const git = (directory: string, ...words: string[]) =>
  execFileSync("git", words, { cwd: join(folder, directory), encoding: "utf8", env: environment(), stdio: "pipe" }).trim();

/** What a job finds: nothing of this process's own Pulumi and SSH agent. */
function environment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const foreign = /^(?:PULUMI_|SSH_|GIT_|AWS_|SILVER_)/;
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  return {
    ...inherited,
    PATH: `${folder}/bin:${dirname(process.execPath)}:${process.env.PATH ?? ""}`,
    GIT_CONFIG_GLOBAL: join(folder, "gitconfig"),
    SILVER_COMMAND_PLUGIN: join(folder, "bin/command-plugin"),
    AWS_ACCESS_KEY_ID: "a",
    AWS_SECRET_ACCESS_KEY: "b",
    GITHUB_OUTPUT: join(folder, "output"),
    GITHUB_STEP_SUMMARY: join(folder, "summary.md"),
    ...more,
  };
}

function shell(script: string, variables: Record<string, string>) {
  const { status, stdout, stderr } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
    cwd: workspace,
    encoding: "utf8",
    env: environment(variables),
  });
  return { status, said: stdout + stderr };
}

const pipeline = z.record(
  z.string(),
  z.object({
    extends: z.string().optional(),
    variables: z.record(z.string(), z.string()).default({}),
    before_script: z.array(z.string()).default([]),
    script: z.array(z.string()).default([]),
  }),
);

/** Runs a job of GitLab's, whose lines are those of one shell. */
function runPipeline(name: string, backend: string, head = "work") {
  const jobs = pipeline.parse(parse(readFileSync(join(checkout, "docs/ci/gitlab.yml"), "utf8")));
  const job = jobs[name];
  if (job === undefined) throw new Error(`gitlab.yml has no job ${name}`);
  const parent = jobs[job.extends ?? ""];
  copyFileSync(join(folder, "key"), join(folder, "key.file"));
  return shell([...(parent?.before_script ?? []), ...job.before_script, ...job.script].join("\n"), {
    ...parent?.variables,
    ...job.variables,
    CI_COMMIT_SHA: git("origin", "rev-parse", head),
    CI_MERGE_REQUEST_TARGET_BRANCH_NAME: "main",
    CI_MERGE_REQUEST_LABELS: "",
    CI_API_V4_URL: "https://gitlab.test/api/v4",
    CI_MERGE_REQUEST_PROJECT_ID: "5",
    CI_MERGE_REQUEST_IID: "7",
    SILVER_COMMENT_TOKEN: "token",
    PULUMI_BACKEND_URL: backend,
    PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    SSH_KEY: join(folder, "key.file"),
  });
}

/** Runs the steps of one job up to the first that fails; throws for an expression that the test has no value for. */
function runJob(file: string, name: string, values: Record<string, string>) {
  const { env, jobs } = workflow.parse(parse(readFileSync(join(checkout, "docs/ci", file), "utf8")));
  const job = jobs[name];
  if (job === undefined) throw new Error(`${file} has no job ${name}`);
  const known = (text: string) =>
    text.replaceAll(/\$\{\{ (.+?) \}\}/g, (_, expression: string) => {
      const value = expression === "steps.preview.outputs.code" ? outputOf("code") : values[expression];
      if (value === undefined) throw new Error(`no value for ${expression}`);
      return value;
    });
  const fill = (variables: Record<string, string>) =>
    Object.fromEntries(Object.entries(variables).map(([variable, text]) => [variable, known(text)]));
  for (const step of job.steps) {
    if (step.run === undefined) continue;
    const { status, said } = shell(known(step.run), { ...fill(env), ...fill(job.env), ...fill(step.env) });
    if (status !== 0) return { failed: step.name ?? step.run, said };
  }
  return { failed: undefined, said: "" };
}

const outputOf = (name: string) =>
  new RegExp(`^${name}=(.*)$`, "m").exec(readFileSync(join(folder, "output"), "utf8"))?.[1] ?? "";

const values = (backend: string, labels: string[] = []): Record<string, string> => ({
  "github.event.action": labels.length > 0 ? "labeled" : "synchronize",
  "github.event.label.name": labels.at(-1) ?? "",
  "github.token": "token",
  "github.repository": "acme/sites",
  "github.sha": merged,
  "github.event.pull_request.number": "7",
  "vars.PULUMI_BACKEND_URL": backend,
  "secrets.PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
  "secrets.SSH_KEY": readFileSync(join(folder, "key"), "utf8").trim(),
});

const manifest = (version: string) => `name: greeter\nversion: ${version}\nrunner: wsgi.py\n`;
const production = (sites: string) =>
  `nodes:\n  web1: { host: 192.0.2.1, os: debian-12, roles: [web], hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA" }\nsites:${sites}\n`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "silver-ci-"));
  write(
    "gitconfig",
    `[user]\nname = a\nemail = a@example.org\n[url "${folder}/origin"]\ninsteadOf = https://github.com/acme/sites\n`,
  );
  write("bin/npm", `#!/bin/sh\nln -sfn ${checkout}/node_modules node_modules\n`, 0o755);
  write("bin/apt-get", "#!/bin/sh\n", 0o755);
  write(
    "bin/curl",
    `#!/bin/sh\necho "$*" >>${folder}/asked\ncase $* in
*/user) echo '{"id": 1}' ;;
*notes\\?*) echo '[]' ;;
*/versions) echo '[{"created_at": "2026-01-02T00:00:00.000Z"}, {"created_at": "2026-01-01T00:00:00.000Z"}]' ;;
*label_events*) cat ${folder}/label-events ;;
esac\n`,
    0o755,
  );
  write("bin/gh", `#!/bin/sh\necho "$*" >>${folder}/asked\ncase $* in *comments) echo '[]' ;; esac\n`, 0o755);
  write("bin/command-plugin", `#!/bin/sh\nexec '${process.execPath}' '${checkout}/tools/command-plugin/main.ts' "$@"\n`, 0o755);
  // Nobody answers; but it writes down with which keys it was asked.
  write(
    "bin/ssh",
    `#!/bin/sh\nssh-add -L >${folder}/keys\necho 'ssh: connect to host 192.0.2.1 port 22: Connection refused' >&2\nexit 255\n`,
    0o755,
  );
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
  mkdirSync(join(folder, "origin"));
  git("origin", "init", "-q", "-b", "main");
  git("origin", "config", "uploadpack.allowAnySHA1InWant", "true");
  for (const name of ["cli", "components", "scripts", "tools", "docs/ci", "package.json", "package-lock.json", "Pulumi.yaml"])
    cpSync(join(checkout, name), join(folder, "origin", name), { recursive: true });
  for (const name of ["index.ts", "program.ts"]) cpSync(join(checkout, "stacks", name), join(folder, "origin/stacks", name));
  write("origin/.gitignore", "node_modules\n.silver\n");
  write("origin/apps/greeter/app.yaml", manifest("1.0.0"));
  write("origin/apps/greeter/wsgi.py", "application = 1\n");
  write("origin/stacks/production.yaml", production(" {}"));
  git("origin", "add", ".");
  git("origin", "commit", "-qm", "base");
  git("origin", "checkout", "-qb", "work");
  write("origin/apps/greeter/app.yaml", manifest("1.1.0"));
  write("origin/stacks/production.yaml", production('\n  greeter: { app: apps/greeter, nodes: [web1], locations: ["*"] }'));
  git("origin", "commit", "-qam", "head");
  git("origin", "checkout", "-q", "--detach", "main");
  git("origin", "merge", "-q", "--no-ff", "-m", "merge", "work");
  merged = git("origin", "rev-parse", "HEAD");
  git("origin", "checkout", "-qb", "refused", "main");
  rmSync(join(folder, "origin/apps/greeter/wsgi.py"));
  symlinkSync("/proc/self/environ", join(folder, "origin/apps/greeter/wsgi.py"));
  git("origin", "commit", "-qam", "a link");
  git("origin", "checkout", "-q", "main");
});

beforeEach(() => {
  workspace = join(folder, "workspace");
  execFileSync("git", ["clone", "-q", join(folder, "origin"), workspace], { env: environment() });
});

afterEach(() => {
  const agent = join(workspace, ".silver/ssh/agent");
  if (existsSync(agent)) process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(readFileSync(agent, "utf8"))?.[1]));
  for (const name of ["workspace", "output", "summary.md", "asked", "keys"])
    rmSync(join(folder, name), { recursive: true, force: true });
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A stack that the team made, with its own passphrase, in a state that is none of the job's. */
function makeStack(backend: string): void {
  const run = spawnSync("pulumi", ["stack", "init", "production", "--non-interactive"], {
    cwd: join(folder, "origin"),
    encoding: "utf8",
    env: {
      ...environment(),
      PULUMI_HOME: join(folder, "home"),
      PULUMI_BACKEND_URL: backend,
      PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
    },
  });
  expect(run.status, run.stderr).toBe(0);
  git("origin", "add", "stacks");
}

test("a fork's pull request gets its plan, without a secret", () => {
  const open = Object.entries(values("")).filter(([name]) => !/^(?:secrets|vars)\./.test(name));
  expect(runJob("github.yml", "plan", Object.fromEntries(open))).toEqual({ failed: undefined, said: "" });
  expect(readFileSync(join(folder, "summary.md"), "utf8")).toMatch(
    /^<!-- silver production -->\n\*\*production · 1 site changes/,
  );
});

test("a label lets a word pass for the commits that it was put on, and for none that came later, also not with another label", () => {
  git("origin", "checkout", "-q", "--detach", merged);
  write("origin/scripts/more.sh", "");
  git("origin", "add", ".");
  git("origin", "commit", "-qm", "program");
  const [base, more] = [git("origin", "rev-parse", "HEAD^"), git("origin", "rev-parse", "HEAD")];
  git("origin", "checkout", "-q", "main");
  git("workspace", "fetch", "-q", "origin", base);
  git("workspace", "checkout", "-q", base);
  const job = (action: string, label: string) =>
    runJob("github.yml", "plan", {
      ...values("", ["silver:PROGRAM"]),
      "github.sha": more,
      "github.event.action": action,
      "github.event.label.name": label,
    }).failed;
  for (const label of ["silver:PROGRAM", "silver:DATA+PROGRAM"]) expect(job("labeled", label), label).toBeUndefined();
  for (const [action, label] of [
    ["synchronize", ""],
    ["reopened", ""],
    ["unlabeled", "silver:DATA"],
    ["labeled", "later"],
    // The first one is on still, of commits that somebody has seen before.
    ["labeled", "silver:DATA"],
    ["labeled", "silver:PROGRAM!"],
    ["labeled", "PROGRAM"],
  ] as const)
    expect(job(action, label), action).toBe("silver plan");
});

test("so does a fork's merge request at GitLab", () => {
  const { status, said } = runPipeline("silver-plan", "");
  expect({ status, said }).toMatchObject({ status: 0, said: expect.stringContaining("production · 1 site changes") as string });
});

describe("a head that is refused, here for a link out of apps/, is told with the reason, and may not be merged", () => {
  const told =
    /^<!-- silver production -->\n\*\*production · not planned · [^]*\nnot taken from a pull request: "apps\/greeter\/wsgi\.py", a link that/;
  const refused = () => ({ ...values("file:///nowhere"), "github.sha": git("origin", "rev-parse", "refused") });

  test("in the comment, at GitHub", () => {
    expect(runJob("github.yml", "preview", refused()).failed).toBe("Whether it can be merged");
    expect(readFileSync(join(workspace, "comment.md"), "utf8")).toMatch(told);
    expect(readFileSync(join(folder, "asked"), "utf8")).toContain("--method POST repos/acme/sites/issues/7/comments");
  });

  test("in the job's summary, for a fork", () => {
    expect(runJob("github.yml", "plan", refused()).failed).toBe("silver plan");
    expect(readFileSync(join(folder, "summary.md"), "utf8")).toMatch(told);
  });

  test("in the comment, at GitLab, and in the log for a fork", () => {
    const { status, said } = runPipeline("silver-preview", "file:///nowhere", "refused");
    expect(status, said).toBe(1);
    expect(readFileSync(join(workspace, "comment.md"), "utf8")).toMatch(told);
    expect(readFileSync(join(folder, "asked"), "utf8")).toContain("-X POST -H @token.header --data-urlencode body@comment.md");
    expect(runPipeline("silver-plan", "", "refused")).toMatchObject({
      status: 1,
      said: expect.stringContaining('✗ not taken from a pull request: "apps/greeter/wsgi.py"') as string,
    });
  });
});

test("so it is at GitLab, by when a label was put on", () => {
  const { "silver-preview": job } = pipeline.parse(parse(readFileSync(join(checkout, "docs/ci/gitlab.yml"), "utf8")));
  const script = job?.script.find((line) => line.includes("resource_label_events")) ?? "exit 1";
  const event = (name: string, time: string, action = "add") => ({
    action,
    label: { name },
    created_at: `2026-01-${time}:00.000Z`,
  });
  const events = [
    event("silver:DATA", "01T12:00"),
    event("silver:RETIRED", "02T12:00"),
    event("silver:REPLACED", "02T12:00", "remove"),
    { ...event("", "02T12:00"), label: null },
  ];
  write("label-events", JSON.stringify(events));
  const variables = { accept: "DATA\nRETIRED\nREPLACED", request: "https://gitlab.test/1" };
  expect(shell(`${script}\necho "accepted: $accept"`, variables)).toEqual({ status: 0, said: "accepted: RETIRED\n" });
  write("label-events", "[]");
  expect(shell(`${script}\necho "accepted: $accept"`, variables)).toEqual({ status: 0, said: "accepted: \n" });
});

let server: ChildProcess | undefined;
afterAll(() => server?.kill());

/** A bucket in memory. */
async function bucket(): Promise<string> {
  const port = await new Promise<number>((settle) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => {
        settle(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  });
  server = spawn("python3", ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore", env: withMoto });
  const made = () =>
    fetch(`http://127.0.0.1:${port}/states`, { method: "PUT" }).then(
      ({ ok }) => ok,
      () => false,
    );
  await poll("the bucket is there", 30, made);
  return `s3://states?endpoint=127.0.0.1:${port}&s3ForcePathStyle=true&disableSSL=true&region=us-east-1`;
}

const directory = () => {
  mkdirSync(join(folder, "states"), { recursive: true });
  return Promise.resolve(`file://${folder}/states`);
};
/** Where scripts/test.sh has put it. Nothing is written there: its checksums are known. */
const withMoto = { ...process.env, PYTHONPATH: process.env.SILVER_MOTO ?? "", PYTHONDONTWRITEBYTECODE: "1" };
const hasMoto = spawnSync("python3", ["-c", "import moto.server, flask"], { env: withMoto }).status === 0;

describe.each([
  { where: "a directory elsewhere", make: directory, skip: false },
  { where: "a bucket (moto for Python makes it)", make: bucket, skip: !hasMoto },
])("with the state in $where", ({ make, skip }) => {
  let backend = "";
  beforeAll(async () => {
    if (skip) return;
    backend = await make();
    makeStack(backend);
    git("origin", "commit", "-qm", "stack", "--allow-empty");
    git("origin", "checkout", "-q", "--detach");
    git("origin", "merge", "-q", "--no-ff", "-m", "merge", "work");
    merged = git("origin", "rev-parse", "HEAD");
    git("origin", "checkout", "-q", "main");
  });

  test.skipIf(skip)("a pull request gets its comment, and may be merged", () => {
    expect(runJob("github.yml", "preview", values(backend))).toEqual({ failed: undefined, said: "" });
    const comment = readFileSync(join(workspace, "comment.md"), "utf8");
    expect(comment).toMatch(/^<!-- silver production -->\n\*\*production · 1 site changes/);
    expect(comment).toMatch(/greeter +new site, 1\.1\.0-/);
    expect(readFileSync(join(folder, "asked"), "utf8")).toContain(
      "--method POST repos/acme/sites/issues/7/comments -F body=@comment.md",
    );
  });

  test.skipIf(skip)("one whose environment can't be planned gets its comment, too, and may not be merged", () => {
    const good = merged;
    git("origin", "checkout", "-q", "--detach");
    write("origin/stacks/production.yaml", "nods: {}\n");
    git("origin", "commit", "-qam", "broken");
    merged = git("origin", "rev-parse", "HEAD");
    git("origin", "checkout", "-q", "main");
    expect(runJob("github.yml", "preview", values(backend)).failed).toBe("Whether it can be merged");
    expect(readFileSync(join(workspace, "comment.md"), "utf8")).toMatch(
      /^<!-- silver production -->\n\*\*production · not planned · [^]*stacks\/production\.yaml:1:1 \[unknown-key\]/,
    );
    expect(readFileSync(join(folder, "asked"), "utf8")).toContain("--method POST repos/acme/sites/issues/7/comments");
    merged = good;
  });

  test.skipIf(skip)("what is merged goes to the nodes, with the key of the team", () => {
    const { failed, said } = runJob("github-deploy.yml", "deploy", values(backend));
    expect(failed, said).toBe("silver up");
    expect(said).toContain("Updating (production)");
    expect(said).toContain("192.0.2.1");
    const [, key] = readFileSync(join(folder, "key.pub"), "utf8").split(" ");
    expect(readFileSync(join(folder, "keys"), "utf8")).toContain(key);
    expect(existsSync(join(workspace, ".silver/state/.pulumi"))).toBe(false);
  });

  test.skipIf(skip)("so it is at GitLab", () => {
    expect(runPipeline("silver-preview", backend)).toMatchObject({ status: 0 });
    expect(readFileSync(join(workspace, "comment.md"), "utf8")).toMatch(/greeter +new site, 1\.1\.0-/);
    expect(readFileSync(join(folder, "asked"), "utf8")).toContain("-X POST -H @token.header --data-urlencode body@comment.md");
    const { status, said } = runPipeline("silver-deploy", backend);
    expect({ status, said }).toMatchObject({ status: 1, said: expect.stringContaining("Updating (production)") as string });
    const [, key] = readFileSync(join(folder, "key.pub"), "utf8").split(" ");
    expect(readFileSync(join(folder, "keys"), "utf8")).toContain(key);
  });
});

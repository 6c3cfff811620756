// `silver plan` as a process, in a repository of its own.
import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;
let temporary: string;

const write = (files: Record<string, string>) => {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
};
const git = (...words: string[]) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...words], { cwd: root, encoding: "utf8" });
const silver = (...words: string[]) =>
  spawnSync(process.execPath, [join(root, "cli/main.ts"), ...words], {
    cwd: root,
    encoding: "utf8",
    // No Pulumi, and nothing left where temporary files are.
    env: { ...process.env, TMPDIR: temporary, PULUMI_HOME: "/nonexistent", GIT_CONFIG_GLOBAL: "/dev/null" },
  });
const manifest = (version: string) =>
  `name: blog\nversion: ${version}\nrunner: wsgi.py\nconfig: { required: { KEY: a secret } }\n`;
const environment = (config: string) =>
  `nodes: { web1: { local: true, os: debian-12 } }\nsites: { blog: { app: apps/blog, nodes: [web1], locations: ["*"], config: ${config} } }\n`;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-plan-"));
  temporary = join(root, ".tmp");
  mkdirSync(temporary);
  for (const name of ["cli", "components", "package.json"]) cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  write({
    ".gitignore": ".tmp\nnode_modules\n",
    "apps/blog/app.yaml": manifest("1.4.0"),
    "apps/blog/wsgi.py": "def application(environ, start_response): ...\n",
    "stacks/dev.yaml": environment("{ KEY: { secret: 1 } }"),
  });
  git("init", "-q", "-b", "main");
  git("add", ".");
  git("commit", "-qm", "base");
  git("checkout", "-qb", "work");
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

test("without a change nothing runs, and no file is left behind", () => {
  expect(silver("plan")).toMatchObject({
    status: 0,
    stdout: "dev · 0 sites change, 1 untouched · no machine replaced · no data touched · ✔ can merge\nunchanged  blog\n",
  });
  expect(readdirSync(temporary)).toEqual([]);
});

test("the working tree is compared with where it left the default branch, each command with its reason", () => {
  write({ "apps/blog/app.yaml": manifest("1.5.0"), "stacks/dev.yaml": environment("{ KEY: { secret: 2 } }") });
  const { status, stdout } = silver("plan");
  expect(status).toBe(0);
  expect(stdout.replaceAll(/[0-9a-f]{8}/g, "########").split("\n")).toEqual([
    "dev · 1 site changes, 0 untouched · no machine replaced · no data touched · ✔ can merge",
    "blog  1.4.0-########.######## → 1.5.0-########.########   ▲ upgrade",
    "      version  1.4.0 → 1.5.0",
    '      files    ~ "app.yaml"',
    "      config   ~ KEY secret, version 1 → secret, version 2",
    "Runs:",
    "  blog-rollout: version, files, config",
    "",
  ]);
});

test("two revisions are compared without the working tree, in either direction", () => {
  git("commit", "-qam", "head");
  write({ "apps/blog/app.yaml": "broken" });
  expect(silver("plan", "work", "main").stdout).toContain("▼ downgrade");
  expect(silver("plan")).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/✘ broken blog\nblog {2}broken: stays as it is\n {6}apps\/blog\/app\.yaml:1:1 /) as string,
  });
  write({ "apps/blog/app.yaml": manifest("1.5.0") });
});

test("--markdown folds in a block, --json has the same as data", () => {
  expect(silver("plan", "--markdown").stdout).toMatch(
    /^<!-- silver dev -->\n\*\*dev · 1 site changes.*✔ can merge\*\*\n\n```text\n[^`]*```\n\nSince `[0-9a-f]{10}`\.\n$/,
  );
  const [from, to] = git("rev-parse", "main", "work").match(/^[0-9a-f]{10}/gm) ?? [];
  expect(silver("plan", "--markdown", "main", "work").stdout).toContain(`\n\`${from ?? ""}..${to ?? ""}\`\n`);
  expect(JSON.parse(silver("plan", "--json").stdout)).toMatchObject([
    { environment: "dev", canMerge: true, changes: [{ name: "blog" }] },
  ]);
});

test("each file that was added, changed or removed is marked as such, and of many the first", () => {
  write({ "apps/blog/wsgi.py": "def application(environ, start_response): pass\n", "apps/blog/new.txt": "" });
  expect(silver("plan", "HEAD").stdout).toContain('  files  + "new.txt"   ~ "wsgi.py"\n');
  git("add", ".");
  git("commit", "-qm", "another");
  rmSync(join(root, "apps/blog/new.txt"));
  expect(silver("plan", "HEAD").stdout).toContain('  files  − "new.txt"\n');
  write(Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`apps/blog/${index}.txt`, ""])));
  expect(silver("plan", "HEAD").stdout).toMatch(/ \+ "5\.txt" {3}and 3 more\n/);
  git("reset", "-q", "--hard", "HEAD^");
  git("clean", "-qfd");
});

test("a removed site blocks the merge until it is accepted", () => {
  write({ "stacks/dev.yaml": "nodes: { web1: { local: true, os: debian-12 } }\nsites: {}\n" });
  expect(silver("plan")).toMatchObject({ status: 1, stdout: expect.stringContaining("✘ RETIRED blog\n") as string });
  expect(silver("plan", "--accept", "RETIRED").status).toBe(0);
  write({ "stacks/dev.yaml": environment("{ KEY: { secret: 2 } }") });
});

test("for changed sites, the environment's overrides of the manifest are shown", () => {
  const limits = environment("{ KEY: { secret: 2 } }, limits: { processes: 3 }");
  write({ "stacks/dev.yaml": limits });
  expect(silver("plan", "--markdown").stdout).toContain(
    "\n⚠ blog: processes 3, set by stacks/dev.yaml:2; apps/blog/app.yaml says 8\nRuns:\n",
  );
  git("commit", "-qam", "limits");
  expect(silver("plan", "HEAD").stdout).not.toContain("⚠");
  // It stands on another line now, and was the same before.
  write({ "stacks/dev.yaml": `\n${limits}`, "apps/blog/app.yaml": manifest("1.6.0") });
  expect(silver("plan", "HEAD").stdout).not.toContain("⚠");
  write({ "stacks/dev.yaml": limits.replace("3", "4") });
  expect(silver("plan", "HEAD").stdout).toContain("\n⚠ blog: processes 4, set by stacks/dev.yaml:2;");
  write({ "apps/blog/app.yaml": manifest("1.5.0") });
  write({ "stacks/dev.yaml": environment("{ KEY: { secret: 2 } }") });
});

test("a warning that the base has, too, is left out; one that the change brings is shown", () => {
  const doubtful = (more = "") => `nodes: { web1: { local: true, os: debian-12 } }
sites:
  blog: { app: apps/blog, nodes: [web1], locations: ["*"], config: { KEY: { secret: 2 }, SPARE: "1"${more} } }
`;
  write({ "stacks/dev.yaml": doubtful() });
  expect(silver("plan", "HEAD").stdout).toContain("[undeclared-config] config SPARE ");
  git("commit", "-qam", "doubtful");
  write({ "stacks/dev.yaml": `# Below a new line.\n${doubtful(', OTHER: "1"')}` });
  const { stdout } = silver("plan", "HEAD");
  expect(stdout.match(/⚠.* config \w+/g)).toEqual([expect.stringContaining("config OTHER")]);
  git("reset", "-q", "--hard", "HEAD^");
  write({ "stacks/dev.yaml": environment("{ KEY: { secret: 2 } }") });
});

test("that an environment is protected no longer is told, though nothing runs", () => {
  const before = environment("{ KEY: { secret: 2 } }");
  write({ "stacks/dev.yaml": `protected: true\n${before}` });
  git("commit", "-qam", "protected");
  write({ "stacks/dev.yaml": before });
  expect(silver("plan", "HEAD").stdout).toContain("\n⚠ dev is protected no longer: after this change its nodes, and ");
  git("reset", "-q", "--hard", "HEAD^");
  write({ "stacks/dev.yaml": before });
});

describe("values of secrets, of which a reviewer sees versions alone", () => {
  const kept = (values: Record<string, string>, salt = "v1:salt") =>
    `encryptionsalt: ${salt}\nconfig:\n  silverlining:secrets:\n${Object.entries(values)
      .map(([key, value]) => `    ${key}:\n      secure: ${value}\n`)
      .join("")}`;
  const keep = (text: string) => {
    write({ "stacks/Pulumi.dev.yaml": text });
  };
  const values = { "blog.KEY@2": "v1:aaaa:bbbb", "shop.KEY@1": "v1:cccc:dddd" };

  beforeAll(() => {
    keep(kept(values));
    write({ "stacks/dev.yaml": environment("{ KEY: { secret: 2 } }") });
    git("add", "-A");
    git("commit", "-qm", "secrets");
  });

  afterAll(() => {
    git("reset", "-q", "--hard", "HEAD^");
  });

  test("one that changes under its version is refused", () => {
    keep(kept({ ...values, "blog.KEY@2": "v1:eeee:ffff" }));
    const { status, stdout } = silver("plan", "HEAD", "--accept", "DATA", "REPLACED", "RETIRED", "PROGRAM");
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout: expect.stringMatching(/^dev · 1 site changes, 0 untouched · .* · ✘ refused blog\nblog {2}site changed\n/) as string,
    });
    expect(stdout).toContain("refused: KEY has another value than before, and is version 2 all the same\n");
    expect(stdout).toContain("keep it as a version of its own: silver secret set blog KEY -e dev\n");
  });

  test("one that nobody names may change, and a new one is none of another", () => {
    keep(kept({ ...values, "shop.KEY@1": "v1:eeee:ffff", "blog.KEY@3": "v1:gggg:hhhh" }));
    expect(silver("plan", "HEAD")).toMatchObject({ status: 0, stdout: expect.not.stringContaining("⚠") as string });
  });

  test("one that is copied from another place is told", () => {
    keep(kept({ ...values, "blog.MORE@1": "v1:cccc:dddd" }));
    expect(silver("plan", "HEAD").stdout).toContain("\n⚠ stacks/Pulumi.dev.yaml: blog.MORE@1 has the value of shop.KEY@1\n");
    keep(kept({ "blog.KEY@2": "v1:aaaa:bbbb", "blog.MORE@1": "v1:cccc:dddd" }));
    expect(silver("plan", "HEAD").stdout).toContain("blog.MORE@1 has the value of shop.KEY@1\n");
  });

  test("so is one that is copied from a commit of long ago, or of a branch that this one did not begin at", () => {
    const old = { ...values, "shop.OLD@1": "v1:qqqq:rrrr" };
    keep(kept(old));
    git("commit", "-qam", "old");
    keep(kept(values));
    git("commit", "-qam", "without it");
    git("commit", "-q", "--allow-empty", "-m", "later");
    keep(kept({ ...values, "blog.MORE@1": "v1:qqqq:rrrr" }));
    const told = "⚠ stacks/Pulumi.dev.yaml: blog.MORE@1 has the value of shop.OLD@1, from another commit\n";
    expect(silver("plan", "HEAD").stdout).toContain(told);
    git("branch", "-q", "other", "HEAD~2");
    git("reset", "-q", "--hard", "HEAD~3");
    keep(kept({ ...values, "blog.MORE@1": "v1:qqqq:rrrr" }));
    expect(silver("plan", "HEAD").stdout).toContain(told);
    // Back under its own name.
    keep(kept(old));
    expect(silver("plan", "HEAD").stdout).not.toContain("⚠");
    git("branch", "-qD", "other");
    keep(kept(values));
  });

  test("and one of an environment that is new, which has another's salt", () => {
    write({ "stacks/trial.yaml": environment("{ KEY: { secret: 1 } }") });
    write({ "stacks/Pulumi.trial.yaml": kept({ "blog.KEY@1": "v1:cccc:dddd" }) });
    expect(silver("plan", "HEAD", "-e", "trial").stdout).toContain(
      "\n⚠ stacks/Pulumi.trial.yaml: blog.KEY@1 has the value of shop.KEY@1 of stacks/Pulumi.dev.yaml\n",
    );
    // Also under the name that it has there.
    write({ "stacks/Pulumi.trial.yaml": kept({ "blog.KEY@1": "v1:gggg:hhhh", "shop.KEY@1": "v1:cccc:dddd" }) });
    expect(silver("plan", "HEAD", "-e", "trial").stdout).toContain(
      "\n⚠ stacks/Pulumi.trial.yaml: shop.KEY@1 has the value of shop.KEY@1 of stacks/Pulumi.dev.yaml\n",
    );
    for (const file of ["trial.yaml", "Pulumi.trial.yaml"]) rmSync(join(root, "stacks", file));
  });

  test("in a clone without all of git's history it is told that only a part was searched", () => {
    keep(kept({ ...values, "blog.MORE@1": "v1:gggg:hhhh" }));
    expect(silver("plan", "HEAD").stdout).not.toContain("⚠");
    const commit = git("rev-parse", "HEAD");
    writeFileSync(join(root, ".git/shallow"), commit);
    expect(silver("plan", "HEAD").stdout).toContain(
      "\n⚠ stacks/Pulumi.dev.yaml: this clone has a part of git's history alone, and no more was searched for copies of new values\n",
    );
    rmSync(join(root, ".git/shallow"));
  });

  test.each([
    ["a line end in it", '"v1:cc\\ncc:dddd"'],
    ["another last character of the same bytes", "v1:cccc:ddd="],
    ["no number of bytes", "v1:cccc:dd"],
    ["a colon more", "v1:cccc:dddd:"],
  ])("one that has %s is refused, since it would be another text of the same value", (_, text) => {
    keep(kept({ ...values, "blog.MORE@1": text }));
    const { status, stderr } = silver("plan", "HEAD");
    expect(status).toBe(1);
    expect(stderr).toContain("stacks/Pulumi.dev.yaml keeps what can't be compared");
  });

  test("encrypted in another way, nobody sees whether they are the same", () => {
    keep(kept(values, "v1:other"));
    expect(silver("plan", "HEAD").stdout).toContain("\n⚠ stacks/Pulumi.dev.yaml: values are encrypted in another way: ");
  });

  const other = "{ secure: v1:eeee:ffff }";
  test.each([
    { form: "without the project's name", text: `config:\n  secrets: { blog.KEY@2: ${other} }\n` },
    { form: "by Pulumi's older name", text: `config:\n  silverlining:config:secrets: { blog.KEY@2: ${other} }\n` },
    {
      form: "by two names, of which Pulumi takes the other one",
      text: `config:\n  silverlining:secrets: { blog.KEY@2: ${other} }\n  silverlining:config:secrets: { blog.KEY@2: { secure: v1:aaaa:bbbb } }\n`,
    },
    { form: "as a text", text: `config:\n  silverlining:secrets: '{"blog.KEY@2": "guessed"}'\n` },
    { form: "all in one", text: `config:\n  silverlining:secrets: ${other}\n` },
    { form: "from another place", text: "environment: [elsewhere]\n" },
  ])("one that is given $form is refused: reviewers see nothing of it", ({ text }) => {
    keep(`encryptionsalt: v1:salt\n${text}`);
    const { status, stderr } = silver("plan", "HEAD", "--accept", "DATA", "REPLACED", "RETIRED", "PROGRAM");
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining("✗ stacks/Pulumi.dev.yaml keeps what can't be compared") as string,
    });
    expect(stderr).not.toMatch(/eeee|guessed/);
  });

  test("where those of the base can't be read, that is told", () => {
    keep("encryptionsalt: v1:salt\nconfig:\n  secrets: {}\n");
    git("commit", "-qam", "odd");
    keep(kept({ ...values, "blog.KEY@2": "v1:eeee:ffff" }));
    expect(silver("plan", "HEAD").stdout).toContain(
      "\n⚠ stacks/Pulumi.dev.yaml: what it kept before can't be read, so whether a secret is",
    );
    git("reset", "-q", "--hard", "HEAD^");
  });

  test("in a form that only Pulumi reads, nothing is compared", () => {
    keep(kept(values).replace("v1:aaaa:bbbb", "&a v1:aaaa:bbbb").replace("v1:cccc:dddd", "*a"));
    expect(silver("plan", "HEAD")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("can't be read as it is") as string,
    });
  });
});

test("an older version with bytes of its own is refused; one that an earlier commit has is a rollback", () => {
  expect(silver("plan", "HEAD").status).toBe(0);
  write({ "apps/blog/app.yaml": `${manifest("1.4.0")}# Not as it was.\n` });
  const { status, stdout } = silver("plan", "HEAD", "--accept", "DATA", "REPLACED", "RETIRED", "PROGRAM");
  expect(status).toBe(1);
  expect(stdout).toMatch(/^dev · 1 site changes, .* · ✘ refused blog\n/);
  expect(stdout).toContain("is older than what blog was, and no earlier commit has these bytes");
  write({ "apps/blog/app.yaml": manifest("1.4.0") });
  expect(silver("plan", "HEAD")).toMatchObject({ status: 0, stdout: expect.stringContaining("▼ downgrade") as string });
  write({ "apps/blog/app.yaml": manifest("1.5.0") });
});

test("what another program would do is not judged: it is told which part changed, and no site is said to stay as it is", () => {
  git("checkout", "-q", "--", "stacks");
  write({ "components/more.ts": "export {};\n", "package-lock.json": "{}\n" });
  const judged =
    /^dev · not judged: components\/, package-lock\.json changed · ✘ PROGRAM components\/, package-lock\.json\nnot judged {2}blog\n/;
  expect(silver("plan", "HEAD")).toMatchObject({ status: 1, stdout: expect.stringMatching(judged) as string });
  expect(silver("plan", "HEAD", "--accept", "PROGRAM").status).toBe(0);
  git("add", ".");
  git("commit", "-qm", "program");
  const head = git("rev-parse", "HEAD").trim();
  git("checkout", "-q", "HEAD^");
  // The files of the base, as CI has them: only the commit that would be merged tells.
  expect(silver("plan", "HEAD").status).toBe(0);
  expect(silver("plan", "HEAD", "--head", head)).toMatchObject({ status: 1, stdout: expect.stringMatching(judged) as string });
  git("checkout", "-q", "work");
  git("reset", "-q", "--hard", "HEAD^");
  write({ "stacks/dev.yaml": environment("{ KEY: { secret: 2 } }") });
});

test("whatever else is deployed with, or found by its name, belongs to the program", () => {
  git("stash", "-q");
  const found = ["cli/up.ts", "docs/ci/take-head.sh", "scripts/env.sh", "stacks/more/x.yaml", "stacks/package.json"];
  const named = [".gitattributes", ".github/workflows/deploy.yml", ".npmrc", "Pulumi.yml", "tools/command-plugin/main.ts"];
  write(Object.fromEntries([...named, ...found].map((file) => [file, "x\n"])));
  git("add", "-A");
  // It is a link here.
  const blob = git("hash-object", "-w", "package.json").trim();
  git("rm", "-q", "--cached", "--ignore-unmatch", "node_modules");
  git("update-index", "--add", "--cacheinfo", `100644,${blob},node_modules/zod/index.js`);
  git("commit", "-qm", "program");
  const head = git("rev-parse", "HEAD").trim();
  git("reset", "-q", "--hard", "HEAD^");
  const parts =
    ".gitattributes, .github/, .npmrc, Pulumi.yml, cli/, docs/ci/, node_modules/, scripts/, stacks/more/x.yaml, stacks/package.json, tools/";
  expect(silver("plan", "--head", head, "--", "HEAD")).toMatchObject({
    status: 1,
    stdout: expect.stringContaining(`✘ PROGRAM ${parts}\n`) as string,
  });
  git("stash", "pop", "-q");
});

test("what nothing reads on the way to a node does not", () => {
  git("stash", "-q");
  const files = ["README.md", "docs/x.md", "test/x.ts", "notes/x.md", "eslint.config.js"];
  write(Object.fromEntries(files.map((file) => [file, "x\n"])));
  expect(silver("plan", "HEAD")).toMatchObject({ status: 0, stdout: expect.stringContaining("✔ can merge") as string });
  git("add", "-A");
  git("commit", "-qm", "inert");
  expect(silver("plan", "HEAD^", "HEAD").status).toBe(0);
  git("reset", "-q", "--hard", "HEAD^");
  git("stash", "pop", "-q");
});

test("no name of a file is Markdown in the first line of a comment", () => {
  git("stash", "-q");
  write({ "components/ü/![x](y)<b>.ts": "", ".![a](b)`<b>@x/c": "", "![a](b)": "", "stacks/![a](b)<b>.yaml": "" });
  git("add", "-A");
  git("commit", "-qm", "odd");
  const { stdout } = silver("plan", "--markdown", "HEAD^", "HEAD");
  expect(stdout).not.toMatch(/<b>|!\[/);
  expect(stdout).toContain(
    "\n**dev · not judged: a file with an odd name, components/ changed · ✘ PROGRAM a file with an odd name, components/**\n",
  );
  git("reset", "-q", "--hard", "HEAD^");
  git("stash", "pop", "-q");
});

test("attributes of git that change the bytes of apps are seen, wherever they stand", () => {
  git("stash", "-q");
  for (const [path, told] of [
    ["apps/.gitattributes", /~ "app\.yaml" {3}~ "wsgi\.py"/],
    ["apps/blog/.gitattributes", /\+ "\.gitattributes" {3}~ "app\.yaml" {3}~ "wsgi\.py"/],
  ] as const) {
    write({ [path]: "* text eol=crlf\n" });
    git("add", "-A");
    git("commit", "-qm", "attributes");
    const head = git("rev-parse", "HEAD").trim();
    expect(silver("plan", "HEAD^", "HEAD").stdout).toMatch(told);
    // As CI has them: the base, with apps/ of the head.
    rmSync(join(root, "apps"), { recursive: true });
    git("checkout", "-q", head, "--", "apps");
    expect(silver("plan", "--head", head, "--", "HEAD^").stdout).toContain(`✘ PROGRAM ${path}\n`);
    git("reset", "-q", "--hard", "HEAD^");
    rmSync(join(root, "apps"), { recursive: true });
    git("checkout", "-q", "--", "apps");
  }
  git("stash", "pop", "-q");
});

test("an environment that is new has only new sites and nodes", () => {
  write({ "stacks/next.yaml": environment("{ KEY: { secret: 1 } }") });
  const { status, stdout } = silver("plan", "-e", "next");
  expect(status).toBe(0);
  expect(stdout).toContain("web1  new node, debian-12\n");
  expect(stdout).toMatch(/^blog {2}new site, 1\.5\.0-/m);
});

test.runIf(process.getuid?.() === 0)("of a clone of another owner git's own words are said, and its own remedy", () => {
  chownSync(root, 12345, 12345);
  for (const words of [["plan"], ["plan", "HEAD"]]) {
    const { status, stderr } = silver(...words);
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: `✗ git refuses ${root}: detected dubious ownership in repository at '${root}'\n  git config --global --add safe.directory ${root}\n`,
    });
  }
  chownSync(root, 0, 0);
});

test.each(["nowhere", "--upload-pack=x"])("%s is not a revision, and the message says so", (revision) => {
  expect(silver("plan", "--", revision)).toMatchObject({ status: 2, stderr: expect.stringContaining(revision) as string });
});

describe("a comment is there also where an environment can't be planned, and says which and why", () => {
  const comment = (...words: string[]) => {
    const { status, stdout, stderr } = silver("-e", "dev", "plan", "--markdown", ...words);
    expect(status, stdout + stderr).not.toBe(0);
    const [mark, head, ...lines] = stdout.split("\n");
    expect([mark, head]).toEqual(["<!-- silver dev -->", "**dev · not planned · ✘ what would change is unknown**"]);
    expect(Buffer.byteLength(stdout)).toBeLessThan(65_536);
    return lines.join("\n");
  };

  test("by an error in it", () => {
    write({ "stacks/dev.yaml": "nods: {}\n" });
    const text = comment("--", "main");
    expect(text).toContain('\n```text\ndev can\'t be planned as it is\nstacks/dev.yaml:1:1 [unknown-key] "nods" is not a key\n');
    expect(text).toContain("\n  did you mean nodes?\n");
    expect(text).toMatch(/```\n\nCorrect that here: `silver validate -e dev` shows the same, with its lines\.\n$/);
  });

  test("because it is gone", () => {
    rmSync(join(root, "stacks/dev.yaml"));
    expect(comment("--", "main")).toContain("[missing-file] there is no environment dev");
  });

  test("because that of the base can't be read, or the base is unknown", () => {
    write({ "stacks/dev.yaml": "nodes: [\n" });
    git("add", "-A");
    git("commit", "-qm", "broken");
    const broken = git("rev-parse", "HEAD").trim();
    git("checkout", "-q", "main", "--", "stacks/dev.yaml");
    const text = comment("--", broken);
    expect(text).toContain(`dev can't be planned as it is in ${broken}\nstacks/dev.yaml:1:`);
    expect(text).toContain("Correct that on the branch that it stands on, first");
    git("reset", "-q", "--hard", "HEAD^");
    expect(comment("--", "no-such-base")).toContain("no-such-base is not a revision of this repository\n");
  });

  test("by so many errors, and by text of a stranger that would be a command, a heading or a fence", () => {
    const strange = (name: string) =>
      JSON.stringify(`${name}\u001b[2J\n::set-output name=x::y\n\`\`\`\`\n# @everyone <!-- silver dev -->`);
    const many = Array.from({ length: 3000 }, (_, number) => `  ${strange(`site-${number}`)}: { app: x }\n`);
    write({ "stacks/dev.yaml": `nodes: {}\nsites:\n${many.slice(0, 900).join("")}` });
    const text = comment("--", "main");
    expect(text).toMatch(/\n… and \d+ more lines: the log of the job has all\n`+\n\nCorrect that here/);
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(text).not.toMatch(/^::/m);
    const [, fence = "", inside = ""] = /^(`{3,})text\n([^]*?)\n\1\n/m.exec(text) ?? [];
    expect(inside.split("\n").length).toBeGreaterThan(100);
    expect(text.split("\n").filter((line) => line === fence)).toHaveLength(1);
  });
});

// `silver` as a process: what it prints, and its exit codes.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-cli-"));
  for (const name of ["cli", "components", "apps", "stacks", "package.json"])
    cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

function silver(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, "cli/main.ts"), ...words], { cwd: root, encoding: "utf8" });
}

test("--help lists every verb and exits 0", () => {
  const { status, stdout } = silver("--help");
  expect(status).toBe(0);
  for (const verb of [
    "validate",
    "init",
    "convert",
    "up",
    "destroy",
    "status",
    "heal",
    "logs",
    "run",
    "shell",
    "config",
    "plan",
    "preview",
  ])
    expect(stdout).toMatch(new RegExp(`^  ${verb} `, "m"));
});

test("an unknown verb is a usage error with the nearest one", () => {
  const { status, stderr } = silver("statsu");
  expect(status).toBe(2);
  expect(stderr).toContain("Did you mean status?");
});

test.each(["", "--flask", "--django", "--php", "--static", "--ini", "--ini --php", "--ini --static"])(
  "silver init %s makes an app that is valid as it stands",
  (words) => {
    const options = words.split(" ").filter((word) => word !== "");
    const name = `made${options.join("").replaceAll("--", "-")}`;
    const made = silver("init", name, ...options);
    expect(made.status, made.stderr).toBe(0);
    expect(existsSync(join(root, "apps", name, options.includes("--ini") ? "app.ini" : "app.yaml"))).toBe(true);
    expect(silver("validate", `apps/${name}`)).toMatchObject({ status: 0, stdout: "✓ 1 app: no problems\n" });
  },
);

test("silver init makes one kind of app", () => {
  expect(silver("init", "shop", "--flask", "--static")).toMatchObject({
    status: 2,
    stderr: "✗ --flask and --static are two different apps\n  give one of them\n",
  });
  expect(existsSync(join(root, "apps/shop"))).toBe(false);
});

test("silver init refuses a name that can't be a site's, and an existing directory", () => {
  expect(silver("init", "Blog_1")).toMatchObject({ status: 2 });
  expect(silver("init", "hello")).toMatchObject({
    status: 1,
    stderr: "✗ apps/hello exists already\n  take another name, or edit that app\n",
  });
});

test("validate reports every mistake with its place, as text and as JSON, and exits 1", () => {
  silver("init", "broken");
  const file = join(root, "apps/broken/app.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("runner: src/wsgi.py", "runnr: src/wsgi.py"));
  const text = silver("validate", "apps/broken");
  expect(text.status).toBe(1);
  expect(text.stdout).toContain("apps/broken/app.yaml:5:1 error [unknown-key]");
  expect(text.stdout).toContain("runner");
  const json = silver("--json", "validate", "apps/broken");
  expect(json.status).toBe(1);
  expect(JSON.parse(json.stdout)).toContainEqual(
    expect.objectContaining({ code: "unknown-key", place: { file: "apps/broken/app.yaml", line: 5, column: 1 } }),
  );
  expect(text.stdout + text.stderr).not.toMatch(/\n\s+at .*\.ts/);
});

test("a global option that a verb would ignore is refused, and is not in its help", () => {
  expect(silver("-e", "dev", "convert", "apps/hello/app.yaml")).toMatchObject({
    status: 2,
    stderr: "✗ silver convert has no --environment\n  leave it out\n",
  });
  expect(silver("init", "--help").stdout).toContain("--json");
  expect(silver("init", "--help").stdout).not.toContain("--environment");
});

test("validate -e checks an environment with its apps, and refuses paths beside it", () => {
  expect(silver("-e", "dev", "validate").status).toBe(0);
  expect(silver("-e", "nowhere", "validate")).toMatchObject({
    status: 1,
    stdout: expect.stringContaining("stacks/nowhere.yaml") as string,
  });
  expect(silver("-e", "dev", "validate", "apps/hello").status).toBe(2);
});

test.each([
  [["validate", "stacks/dev.yaml"], "✗ stacks/dev.yaml is an environment\n  silver validate -e dev checks it with its apps\n"],
  [["validate", "package.json"], "✗ package.json is not a manifest\n  name an app's directory, its app.yaml or its app.ini\n"],
  [["validate", "apps/nowhere"], "✗ apps/nowhere does not exist\n"],
  [["convert", "apps/hello"], "✗ apps/hello is not a manifest\n  name an app.ini or an app.yaml\n"],
  [["config", "nowhere", "-e", "dev"], "✗ dev has no site nowhere\n  the sites are: guestbook, hello\n"],
  [["logs", "hello", "--lines", "many"], "✗ --lines is many: it must be a number from 1 to 10000\n"],
])("a call that is wrong says what is right: %j", (words, stderr) => {
  expect(silver(...words)).toMatchObject({ status: 2, stdout: "", stderr });
});

test("a manifest under another name, and an environment that is none, are answered with the right name", () => {
  mkdirSync(join(root, "apps/wiki"));
  writeFileSync(join(root, "apps/wiki/app.yml"), "name: wiki\nrunner: wsgi.py\n");
  for (const words of [
    ["validate", "apps/wiki/app.yml"],
    ["convert", "apps/wiki/app.yml"],
  ])
    expect(silver(...words).stderr).toBe("✗ apps/wiki/app.yml is not a manifest\n  rename it to app.yaml\n");
  rmSync(join(root, "apps/wiki"), { recursive: true });
  for (const words of [["up"], ["status"], ["heal"], ["logs", "hello"], ["config", "hello"], ["preview"], ["secret", "list"]])
    expect(silver(...words, "-e", "deb")).toMatchObject({
      status: 2,
      stdout: "",
      stderr: "✗ there is no environment deb: stacks/deb.yaml does not exist\n  did you mean dev?\n",
    });
});

test("messages name files from where a person stands; JSON names them from the project's root", () => {
  silver("init", "placed");
  const directory = join(root, "apps/placed");
  const file = join(directory, "app.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("runner: src/wsgi.py", "runnr: src/wsgi.py"));
  const from = (cwd: string, ...words: string[]) =>
    spawnSync(process.execPath, [join(root, "cli/main.ts"), ...words], { cwd, encoding: "utf8" }).stdout;
  expect(from(directory, "validate", ".")).toMatch(/^app\.yaml:5:1 error/);
  expect(from(join(directory, "src"), "validate", "..")).toMatch(/^\.\.\/app\.yaml:5:1 error/);
  expect(from(directory, "validate", ".", "app.yaml").match(/unknown-key/g)).toHaveLength(1);
  expect(from(directory, "validate", ".", "--json")).toContain('"file": "apps/placed/app.yaml"');
  rmSync(directory, { recursive: true });
});

test("--json puts one value on stdout, whatever the verb and however it ends", () => {
  const made = JSON.parse(silver("init", "spoken", "--json").stdout) as unknown;
  expect(made).toMatchObject({ app: "apps/spoken", files: expect.arrayContaining(["app.yaml"]) as string[] });
  rmSync(join(root, "apps/spoken"), { recursive: true });
  expect(JSON.parse(silver("convert", "apps/hello/app.yaml", "--json").stdout)).toMatchObject({
    file: "apps/hello/app.ini",
    text: expect.stringContaining("[production]") as string,
    issues: [],
  });
  for (const words of [
    ["init", "hello"],
    ["validate", "apps/nowhere"],
    ["config", "nowhere", "-e", "dev"],
    ["up", "-e", "deb"],
  ])
    expect(JSON.parse(silver(...words, "--json").stdout)).toMatchObject({ error: expect.any(String) as string });
});

test("--version names silver, Node and the project", () => {
  expect(silver("--version")).toMatchObject({
    status: 0,
    stdout: `silver 0.1.0 (Node ${process.versions.node}, ${root})\n`,
  });
});

test("without Pulumi, commands that need it say how to get it", () => {
  for (const words of [["up"], ["status"], ["preview", "-e", "dev"]]) {
    const { status, stderr } = spawnSync(process.execPath, [join(root, "cli/main.ts"), ...words], {
      cwd: root,
      encoding: "utf8",
      env: { PATH: "/nonexistent" },
    });
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: '✗ pulumi is not on PATH\n  in this shell, run: eval "$(sh scripts/env.sh)"\n',
    });
  }
});

test("the help of a verb has the options that all verbs have", () => {
  expect(silver("validate", "--help").stdout).toMatch(/--environment <name>[^]*--json/);
});

test("convert prints the other format, and --write never overwrites", () => {
  const { status, stdout } = silver("convert", "apps/hello-ini/app.ini");
  expect(status).toBe(0);
  expect(stdout).toContain("runner: src/wsgi.py");
  expect(silver("convert", "--write", "apps/hello-ini/app.ini").status).toBe(0);
  expect(silver("convert", "--write", "apps/hello-ini/app.ini")).toMatchObject({
    status: 1,
    stderr: expect.stringContaining("exists already") as string,
  });
  expect(silver("validate", "apps/hello-ini")).toMatchObject({
    status: 1,
    stdout: expect.stringContaining("app.yaml") as string,
  });
});

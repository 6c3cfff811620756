// `silver config` as a process: each variable, its value, and where it was set.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;

const files = {
  "apps/blog/app.yaml": `name: blog
runner: wsgi.py
config:
  required: { STRIPE_KEY: secret }
  default:
    SIGNUPS: "on"
    THEME: dark
    PAGE: "10"
`,
  "apps/old/app.ini": "[production]\napp_name = old\nrunner = wsgi.py\nconfig.default = THEME=dark\n",
  "apps/mail/app.yaml": "name: mail\nrunner: wsgi.py\nconfig: {required: true, template: conf}\n",
  "apps/mail/wsgi.py": "def application(environ, start_response): ...\n",
  "apps/mail/conf/template.ini": "[variables]\nhost = host that takes mail\n",
  "apps/mail/conf/+env+.ini.tmpl": "{{default port = 25}}\nhost = {{host}}:{{port}}\n",
  "apps/mail/conf/plain": "{{kept}}\n",
  "stacks/mail.yaml":
    'nodes: {web1: {local: true, os: debian-12}}\nsites:\n  mail: {app: apps/mail, nodes: [web1], locations: ["*"]}\n',
  "apps/blog/wsgi.py": "def application(environ, start_response): ...\n",
  "apps/old/wsgi.py": "def application(environ, start_response): ...\n",
  "stacks/base.yaml": 'defaults:\n  config:\n    THEME: "light"\n',
  "stacks/dev.yaml": `nodes:
  web1: { local: true, os: debian-12 }
sites:
  blog:
    app: apps/blog
    nodes: [web1]
    locations: [blog.example.org]
    config:
      SIGNUPS: "two\\nlines"
      STRIPE_KEY: { secret: 3 }
  old: { app: apps/old, nodes: [web1], locations: ["*"] }
`,
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-config-"));
  for (const name of ["cli", "components", "package.json"]) cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

const silver = (...words: string[]) =>
  spawnSync(process.execPath, [join(root, "cli/main.ts"), "-e", "dev", ...words], { cwd: root, encoding: "utf8" });

const rows = (text: string) => text.split("\n").map((line) => line.split(/ {2,}/));

test("each variable is shown with its value and the file and line that set it", () => {
  const { status, stdout, stderr } = silver("config", "blog");
  expect(status, stderr).toBe(0);
  expect(rows(stdout)).toEqual(
    expect.arrayContaining([
      ["VARIABLE", "VALUE", "SET BY"],
      ["PAGE", '"10"', "apps/blog/app.yaml:8"],
      ["THEME", '"light"', "stacks/base.yaml:3"],
      ["SIGNUPS", '"two\\nlines"', "stacks/dev.yaml:9"],
      ["SILVER_CANONICAL_HOSTNAME", '"blog.example.org"', "platform"],
    ]),
  );
});

test("a secret is shown by its version and place", () => {
  expect(rows(silver("config", "blog").stdout)).toContainEqual(["STRIPE_KEY", "secret, version 3", "stacks/dev.yaml:10"]);
});

test("a default of an app.ini is shown with its place in that file", () => {
  writeFileSync(join(root, "stacks/base.yaml"), "");
  expect(rows(silver("config", "old").stdout)).toContainEqual(["THEME", '"dark"', "apps/old/app.ini:4"]);
  writeFileSync(join(root, "stacks/base.yaml"), files["stacks/base.yaml"]);
});

test("--json has the same as data", () => {
  const { stdout } = silver("config", "blog", "--json");
  expect(JSON.parse(stdout)).toContainEqual({
    name: "STRIPE_KEY",
    secret: 3,
    by: "environment",
    place: { file: "stacks/dev.yaml", line: 10, column: 19 },
  });
});

test("an unknown site is a usage error that names the known ones", () => {
  for (const name of ["blgo", "constructor"])
    for (const words of [["config"], ["config", "create"]]) {
      const stderr = `✗ dev has no site ${name}\n  the sites are: blog, old\n`;
      expect(silver(...words, name), name).toMatchObject({ status: 2, stderr });
    }
});

/** `silver config create mail`, with nobody at a terminal. */
const create = (...words: string[]) => {
  const all = [join(root, "cli/main.ts"), "-e", "mail", "config", "create", "mail", ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { cwd: root, encoding: "utf8", input: "" });
  return { status, stdout, stderr };
};

test("config create names the values it lacks, and makes nothing without them", () => {
  expect(create("--set", "env=dev")).toEqual({
    status: 2,
    stdout: "",
    stderr: "✗ no value for host (host that takes mail)\n  add --set host=VALUE\n",
  });
  expect(create("--set", "env=dev", "--set", "hsot=x").stderr).toContain("did you mean host?");
  expect(create("--set", "env=../dev", "--set", "host=x").stderr).toContain('"../dev" can\'t be');
  expect(create("../config", "--set", "env=dev", "--set", "host=x").stderr).toContain("is not a path inside the project");
  expect(existsSync(join(root, "config"))).toBe(false);
});

test("config create fills in the template, says what to write where, and never overwrites a changed file", () => {
  const made = create("--set", "env=dev", "--set", "host=mx=1");
  expect(made.status, made.stderr).toBe(0);
  expect(made.stdout).toContain("+ config/mail/mail/dev.ini\n+ config/mail/mail/plain\n");
  expect(made.stdout).toContain("in stacks/mail.yaml, below sites: mail:\n\n  config_dir: config/mail/mail\n");
  const file = join(root, "config/mail/mail/dev.ini");
  expect(readFileSync(file, "utf8")).toBe("host = mx=1:25\n");
  expect(readFileSync(join(root, "config/mail/mail/plain"), "utf8")).toBe("{{kept}}\n");
  const other = ["--set", "env=dev", "--set", "host=other"];
  expect(create(...other)).toMatchObject({ status: 1, stdout: "" });
  expect(readFileSync(file, "utf8")).toBe("host = mx=1:25\n");
  expect(create("--force", ...other).status).toBe(0);
  expect(readFileSync(file, "utf8")).toBe("host = other:25\n");
});

test("the directory is shown with its files, and the file that set it", () => {
  const declared = files["stacks/mail.yaml"].replace("locations", "config_dir: config/mail/mail, locations");
  writeFileSync(join(root, "stacks/mail.yaml"), declared);
  const words = [join(root, "cli/main.ts"), "-e", "mail", "config", "mail"];
  const { stdout } = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8" });
  expect(rows(stdout)).toContainEqual(["SILVER_APP_CONFIG", '"config/mail/mail"', "stacks/mail.yaml:3"]);
  expect(stdout).toContain("SILVER_APP_CONFIG holds\n  config/mail/mail/dev.ini\n  config/mail/mail/plain\n");
});

test("what a terminal would obey in the name of a file is shown as text", () => {
  const odd = join(root, "config/odd");
  mkdirSync(odd, { recursive: true });
  writeFileSync(join(odd, "a\u202e2Jb\u202ec"), "");
  cpSync(join(root, "apps/mail/conf/plain"), join(root, "apps/mail/conf/x\u202e2Jy\u202ez"));
  writeFileSync(
    join(root, "stacks/odd.yaml"),
    files["stacks/mail.yaml"].replace("apps/mail,", "apps/mail, config_dir: config/odd,"),
  );
  const made = ["create", "mail", "config/made", "-e", "odd", "--set", "host=a", "--set", "env=b"];
  for (const words of [
    ["config", "mail", "-e", "odd"],
    ["config", "mail", "-e", "odd", "--json"],
    ["config", ...made],
    ["config", ...made, "--force", "--json"],
  ]) {
    const { status, stdout, stderr } = silver(...words);
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/[ax].*2J/);
    expect(stdout).not.toMatch(/[\u0080-\u009f\u202e]/);
  }
  rmSync(join(root, "stacks/odd.yaml"));
  rmSync(join(root, "apps/mail/conf/x\u202e2Jy\u202ez"));
});

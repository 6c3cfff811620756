// What a pull request can make the machine that checks it read and show: files of the app, and nothing else.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readRequirements } from "../../components/bundle/read-requirements.ts";
import { readApp } from "../../components/manifest/read.ts";
import { loadPlan } from "../../components/plan/load.ts";
import { renderIssues } from "../../components/text/code-frame.ts";
import { shownFrom, walkInside } from "../../components/text/files.ts";

const SECRET = "TopSecret: [of this machine\n";
let root = "";

function write(files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}
const link = (target: string, name: string) => {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  rmSync(join(root, name), { recursive: true, force: true });
  symlinkSync(target, join(root, name));
};
/** All that a person is shown of an environment. */
const shown = () => {
  const { value, issues } = loadPlan(root, "dev");
  const all = [...issues, ...(value?.broken ?? []).flatMap((site) => site.issues)];
  return renderIssues(all, shownFrom(root));
};
const site = (more = "") =>
  `nodes: { web1: { local: true, os: debian-12 } }\nsites:\n  blog: { app: apps/blog, nodes: [web1], locations: ["*"]${more} }\n`;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "silver-files-"));
  write({
    ".silver/passphrase": SECRET,
    ".silver/app.yaml": SECRET,
    "apps/blog/app.yaml": "name: blog\nrunner: wsgi.py\nconfig: {required: true}\n",
    "apps/blog/wsgi.py": "application = 1\n",
    "config/blog/blog.ini": "a = 1\n",
    "stacks/dev.yaml": site(", config_dir: config/blog"),
  });
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

test("without links there is nothing to tell", () => {
  expect(shown()).toBe("");
});

describe("no file of the machine is read through a link", () => {
  test.each([
    ["a manifest", "../../.silver/passphrase", "apps/blog/app.yaml"],
    ["a manifest, by its absolute path", "/proc/self/environ", "apps/blog/app.yaml"],
    ["a manifest, through a link in the app", "below/passphrase", "apps/blog/app.yaml"],
    ["requirements.txt", "../../.silver/passphrase", "apps/blog/requirements.txt"],
    ["the app's directory", "../.silver", "apps/blog"],
    ["the directory of all apps", ".silver", "apps"],
    ["a configuration directory", "../.silver", "config/blog"],
    ["the directory above a configuration directory", ".silver", "config"],
    ["a file of a configuration directory", "../../.silver/passphrase", "config/blog/more"],
    ["an environment", "../.silver/passphrase", "stacks/dev.yaml"],
    ["the base of the environments", "../.silver/passphrase", "stacks/base.yaml"],
    ["the environments' directory", ".silver", "stacks"],
    ["the runner", "../../.silver/passphrase", "apps/blog/wsgi.py"],
  ])("%s", (_, target, name) => {
    symlinkSync("../../.silver", join(root, "apps/blog/below"));
    write({ ".silver/blog/app.yaml": SECRET, ".silver/dev.yaml": SECRET, ".silver/blog/blog.ini": SECRET });
    link(target, name);
    expect(shown()).not.toBe("");
    expect(shown()).not.toContain("TopSecret");
    expect(shown()).not.toContain("PATH=");
  });

  test.each(["conf", "conf/deep"])("templates below %s", (directory) => {
    write({
      "apps/blog/app.yaml": "name: blog\nrunner: wsgi.py\nconfig: {required: true, template: conf}\n",
      "apps/blog/conf/blog.ini": "a = 1\n",
      ".silver/key.tmpl": "{{TopSecret\n",
    });
    link(`${"../".repeat(directory.split("/").length + 1)}.silver`, `apps/blog/${directory}`);
    expect(shown()).not.toContain("TopSecret");
    expect(shown()).toMatch(/\[leads-out\]/);
  });

  test("what an issue shows a line of", () => {
    link("../../.silver/passphrase", "apps/blog/shown.txt");
    link("../.silver", "apps/other");
    const read = shownFrom(root);
    expect(["apps/blog/shown.txt", "apps/other/passphrase", "apps/nowhere", "apps"].map(read)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(read("apps/blog/wsgi.py")).toBe("application = 1\n");
  });
});

test.each([".silver", ".git/hooks", "config/.private"])("nothing is shipped from %s", (directory) => {
  write({ [`${directory}/blog.ini`]: "a = 1\n", "stacks/dev.yaml": site(`, config_dir: ${directory}`) });
  expect(shown()).toContain(`[leads-out] ${directory} is in a hidden directory`);
});

test("a link within the app is followed", () => {
  write({ "apps/blog/conf/app.yaml": "name: blog\nrunner: wsgi.py\nconfig: {required: true}\n" });
  link("conf/app.yaml", "apps/blog/app.yaml");
  expect(shown()).toBe("");
});

describe("nothing is read without an end", () => {
  test("a manifest that is a device", () => {
    link("/dev/zero", "apps/blog/app.yaml");
    expect(readApp(root, "apps/blog").issues).toMatchObject([{ code: "leads-out" }]);
  });

  test.each([
    ["apps/blog/app.yaml", 2 ** 30],
    ["apps/blog/requirements.txt", 2 ** 23],
    ["stacks/dev.yaml", 2 ** 30],
  ])("%s of %i bytes", (name, size) => {
    write({ [name]: "" });
    truncateSync(join(root, name), size);
    const before = performance.now();
    const found = [...loadPlan(root, "dev").issues, ...readRequirements(root, "apps/blog", "python").issues];
    expect(found).toContainEqual(expect.objectContaining({ code: "too-large", place: { file: name } }));
    expect(performance.now() - before).toBeLessThan(1000);
  });

  test("links to directories above themselves", () => {
    for (const name of ["one", "two", "three"]) link(".", `apps/blog/static/${name}`);
    link("../../..", "apps/blog/static/out");
    write({ "apps/blog/php/a.php": "", "apps/blog/static/b.html": "" });
    link("../php", "apps/blog/static/php");
    expect(walkInside(join(root, "apps/blog"), "static").map(({ path }) => path)).toEqual(
      expect.arrayContaining(["one", "two", "three", "out", "b.html", "php", "php/a.php"]),
    );
    expect(walkInside(join(root, "apps/blog"), "static")).toHaveLength(7);
  });
});

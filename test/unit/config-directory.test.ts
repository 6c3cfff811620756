// A configuration directory from its files to the release, and what can be wrong with it.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { previewChanges } from "../../cli/preview-steps.ts";
import { packBundle } from "../../components/bundle/pack.ts";
import { siteDetails } from "../../components/plan/changes-site.ts";
import { loadPlan } from "../../components/plan/load.ts";
import type { SitePlan } from "../../components/plan/plan.ts";
import { renderRelease } from "../../components/render/release.ts";
import { packApp } from "../../components/rollout/pack-app.ts";
import { planRollout, requestRollout } from "../../components/rollout/rollout.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "silver-directory-"));
  write("apps/blog/app.yaml", "name: blog\nrunner: wsgi.py\nconfig: {required: true}\n");
  write("apps/blog/wsgi.py", "def application(environ, start_response): ...\n");
  environment("config_dir: config/blog");
  write("config/blog/blog.ini", "a = 1\n");
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function environment(site: string): void {
  const nodes = "nodes: {web1: {local: true, os: debian-12}}\n";
  write("stacks/dev.yaml", `${nodes}sites:\n  blog: {app: apps/blog, nodes: [web1], locations: ["*"], ${site}}\n`);
}

function planned(): SitePlan {
  const { value, issues } = loadPlan(root, "dev");
  expect(issues).toEqual([]);
  const [site] = value?.sites ?? [];
  if (site === undefined) throw new Error("no site was planned");
  return site;
}

const issues = () =>
  loadPlan(root, "dev").issues.map(({ code, place, message }) => `${place.file}:${place.line ?? "-"} [${code}] ${message}`);

test("another content is another release of the same bundle; the same content is the same release", () => {
  const before = planned();
  write("config/blog/blog.ini", "a = 2\n");
  const after = planned();
  expect(after.bundle).toEqual(before.bundle);
  const [one, other] = [renderRelease(before), renderRelease(after)];
  expect(other.id).not.toBe(one.id);
  expect(other.id.split(".")[0]).toBe(one.id.split(".")[0]);
  expect(siteDetails(before, after)).toEqual([
    { about: "config_dir", to: "config/blog" },
    { about: "config_dir", name: '"blog.ini"', from: '"blog.ini"', to: '"blog.ini"' },
  ]);
  write("config/blog/blog.ini", "a = 1\n");
  expect(renderRelease(planned())).toEqual(one);
});

test("a changed value is another release of the same bundle, too, and a site without any of this keeps the keys of its record", () => {
  write("apps/blog/app.yaml", "name: blog\nrunner: wsgi.py\nconfig: {default: {LEVEL: info}}\n");
  environment("config: {LEVEL: info}");
  const before = renderRelease(planned());
  environment("config: {LEVEL: debug}");
  const after = renderRelease(planned());
  expect([after.bundle, after.id === before.id]).toEqual([before.bundle, false]);
  expect(Object.keys(after).sort()).toEqual(
    ["bundle", "digest", "files", "id", "packages", "secrets", "site", "units", "user", "variables"].sort(),
  );
  expect(after.files.map(({ path }) => path)).not.toContain("conf/check.service");
});

test("a preview tells of a changed directory in a line", () => {
  const state = (release: string, configDirectory: string) => ({
    type: "command:local:Command",
    inputs: { environment: { site: "blog", release, configDirectory } },
  });
  const step = {
    op: "update",
    urn: "urn:pulumi:dev::silverlining::blog-rollout",
    oldState: state("3fa2c1d0.aaaaaaaa", "config/blog 11111111"),
    newState: state("3fa2c1d0.bbbbbbbb", "config/blog 22222222"),
  };
  const { changes } = previewChanges(
    { steps: [step], diagnostics: [] },
    { environment: "dev", sites: ["blog"], broken: [], program: [] },
  );
  expect(changes[0]).toMatchObject({
    notes: ["same bytes: new processes, no migration"],
    details: [{ about: "config_dir", from: "config/blog 11111111", to: "config/blog 22222222" }],
  });
});

test("its files travel with the rollout's own reading of them, and where they lie stands in the rollout", () => {
  write("config/blog/sub/run", "#!/bin/sh\n");
  symlinkSync("../blog.ini", join(root, "config/blog/sub/link"));
  const site = planned();
  const release = renderRelease(site);
  expect(release.configDirectory).toMatchObject({ path: "config" });
  expect(planRollout(requestRollout({ user: "root" }, site, release.id, [], {})).configDirectory).toBe("config/blog");
  const { config } = packApp(root, "apps/blog", "config/blog");
  expect(config?.digest).toBe(release.configDirectory?.digest);
  expect(Object.keys(config?.sent.files ?? {})).toEqual(["blog.ini", "sub/run"]);
  expect(config?.sent.listing).toContain('["sub/link","link","../blog.ini"]\n');
});

test("a directory of the app stands in where the environment gives none, and needs no upload", () => {
  write("apps/blog/app.yaml", "name: blog\nrunner: wsgi.py\nconfig: {required: true, default: conf}\n");
  write("apps/blog/conf/blog.ini", "a = 0\n");
  environment("config: {}");
  const site = planned();
  expect(renderRelease(site).configDirectory).toEqual({ path: "app/conf" });
  expect(planRollout(requestRollout({ user: "root" }, site, "", [], {}))).not.toHaveProperty("configDirectory");
  environment("config_dir: config/blog");
  expect(siteDetails(site, planned())).toEqual([
    { about: "config_dir", from: "conf of the app", to: expect.stringMatching(/^config\/blog sha256:[0-9a-f]{64}$/) as string },
  ]);
});

test("one that is demanded and not given, not there, empty or not asked for is told at its place", () => {
  environment("config: {}");
  expect(issues()).toEqual([
    "stacks/dev.yaml:3 [missing-config] site blog lacks a configuration directory, which apps/blog/app.yaml requires",
  ]);
  environment("config_dir: config/blgo");
  expect(issues()).toEqual([
    'stacks/dev.yaml:3 [missing-file] the configuration directory of site "blog" does not exist: config/blgo',
  ]);
  mkdirSync(join(root, "config/blgo"));
  expect(issues()).toEqual(["config/blgo:- [missing-file] the directory is empty"]);
  environment("config_dir: config/blog");
  write("apps/blog/app.yaml", "name: blog\nrunner: wsgi.py\n");
  expect(issues()).toEqual([
    "stacks/dev.yaml:3 [undeclared-config] site blog has a configuration directory, but apps/blog/app.yaml does not ask for one",
  ]);
});

test("what no bundle may hold, no configuration directory holds, either", () => {
  symlinkSync("/etc/hostname", join(root, "config/blog/out"));
  symlinkSync("nowhere", join(root, "config/blog/dangling"));
  expect(issues()).toEqual([
    'config/blog/dangling:- [dangling-link] the link points to "nowhere", which does not exist',
    'config/blog/out:- [leads-out] the link points to "/etc/hostname", outside the directory',
  ]);
  expect(packBundle(root, "config/blog").issues[1]?.message).toContain("outside the app");
});

test.each([
  ["too many files", 501, 1],
  ["too many bytes", 2, 524_289],
])("%s are refused", (_, count, bytes) => {
  for (let number = 1; number < count; number += 1) write(`config/blog/${number}`, "x".repeat(bytes));
  write("config/blog/blog.ini", "x".repeat(bytes));
  expect(issues()).toEqual([
    `config/blog:- [too-large] the directory has ${count} files of ${count * bytes} bytes, but at most 500 files of 1048576 bytes travel with a release`,
  ]);
});

test.each([
  ["default: conf", "config.default conf does not exist in apps/blog"],
  ["default: wsgi.py", "config.default wsgi.py is not a directory"],
  ["template: empty", "config.template empty is empty"],
  ["template: out", "config.template out is a link that leads out of apps/blog"],
  ["checker: bin/check", "config.checker bin/check does not exist in apps/blog"],
  ["checker: empty", "config.checker empty is not a file"],
  ["checker: static/check", "config.checker static/check can't be started as a program"],
])("config: {%s}, and %s", (config, message) => {
  write("apps/blog/static/check", "#!/bin/sh\n");
  mkdirSync(join(root, "apps/blog/empty"));
  symlinkSync("../../config", join(root, "apps/blog/out"));
  write("apps/blog/app.yaml", `name: blog\nrunner: wsgi.py\nconfig: {${config}}\n`);
  environment("config: {}");
  expect(issues().filter((issue) => issue.startsWith("apps/blog/app.yaml"))).toEqual([
    expect.stringMatching(new RegExp(`^apps/blog/app.yaml:3 \\[[a-z-]+\\] ${message}$`)),
  ]);
});

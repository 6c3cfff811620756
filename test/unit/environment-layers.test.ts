import { expect, test } from "vitest";
import { parseEnvironment } from "../../components/environment/parse.ts";
import { issueLines } from "../support/fixtures.ts";

const NODES = "nodes:\n  web1: {local: true, os: debian-13}\n";

function parse(base: string, own: string) {
  const { value, issues } = parseEnvironment(own, "stacks/dev.yaml", "dev", { text: base, file: "stacks/base.yaml" });
  return { value, said: issueLines(issues), files: issues.map(({ place }) => place.file) };
}

test("what the environment does not say, the base says", () => {
  const base = "ssh: {user: silver}\ndefaults: {retain: 3, grace: 1h}\n";
  expect(parse(base, `ssh: {proxy: bastion}\ndefaults: {retain: 9}\n${NODES}`)).toMatchObject({
    said: "",
    value: { ssh: { user: "silver", proxy: "bastion" }, defaults: { retain: 9, graceSeconds: 3600 } },
  });
});

test("a site takes values in the order base, environment, site, and says where each was set", () => {
  const base =
    'defaults: {processes: 4, config: {A: base, B: base, C: base}}\nsites:\n  blog: {app: apps/blog, config: {D: "base site"}}\n';
  const own = `defaults: {config: {B: env, C: env}}\n${NODES}sites:\n  blog: {nodes: [web1], config: {C: site}, limits: {memory: 1G}}\n`;
  const { value, said } = parse(base, own);
  expect(said).toBe("");
  expect(value?.sites.blog).toMatchObject({
    app: "apps/blog",
    config: { A: "base", B: "env", C: "site", D: "base site" },
    limits: { processes: 4, memoryBytes: 1024 ** 3 },
    place: { line: 5, column: 3 },
  });
  const places = Object.entries(value?.sites.blog?.origins ?? {}).map(([key, { file, line }]) => `${key} ${file}:${line}`);
  expect(places.sort()).toEqual([
    "app stacks/base.yaml:3",
    "config.A stacks/base.yaml:1",
    "config.B stacks/dev.yaml:1",
    "config.C stacks/dev.yaml:5",
    "config.D stacks/base.yaml:3",
    "limits.memory stacks/dev.yaml:5",
    "limits.processes stacks/base.yaml:1",
    "nodes stacks/dev.yaml:5",
  ]);
});

test("a site of the base counts only where the environment has it", () => {
  const base = "sites:\n  blog: {app: apps/blog}\n  shop: {app: ../shop}\n";
  expect(Object.keys(parse(base, `${NODES}sites:\n  blog: {nodes: [web1]}\n`).value?.sites ?? {})).toEqual(["blog"]);
  expect(parse(base, NODES).value?.sites).toEqual({});
});

test("lists and single values are replaced, not joined", () => {
  const base = "sites:\n  blog: {app: apps/blog, locations: [a.net, b.net], config: {KEY: {secret: 1}, OTHER: text}}\n";
  const own = `${NODES}sites:\n  blog: {nodes: [web1], locations: [c.net], config: {KEY: plain, OTHER: {secret: 2}}}\n`;
  expect(parse(base, own).value?.sites.blog).toMatchObject({
    locations: ["c.net"],
    config: { KEY: "plain", OTHER: { secret: 2 } },
  });
});

test("what is wrong is told in the file that says it", () => {
  const base = "defaults: {retian: 3, grace: 5}\nsites:\n  blog: {app: /etc}\n";
  const own = `defaults: {grace: 10x}\n${NODES}sites:\n  blog: {nodes: [web2]}\n`;
  expect(parse(base, own)).toMatchObject({
    value: undefined,
    said:
      '1:12 error [unknown-key] "retian" is not a key of defaults\n  did you mean retain?\n' +
      '1:19 error [bad-duration] defaults.grace is "10x": it must be a duration from 0s to 7d: a whole number and a unit (s, m, h or d)\n  write 0s to 7d\n' +
      '3:15 error [leads-out] sites.blog.app is "/etc": it must be a path inside the project, and this one leads out of it\n' +
      "  move the file into the project, and write its path from there\n" +
      "5:18 error [unknown-node] site blog runs on web2, which is not a node of this environment\n  did you mean web1?\n",
    files: ["stacks/base.yaml", "stacks/dev.yaml", "stacks/base.yaml", "stacks/dev.yaml"],
  });
});

test("nodes have no place in the base", () => {
  expect(parse(NODES, NODES).said).toBe(
    "1:1 error [misplaced-key] nodes belong in the file of one environment, not in the base of all\n  move them to stacks/<environment>.yaml\n",
  );
});

test("a broken base is told, and nothing guessed from it", () => {
  expect(parse("defaults: [\n", NODES).said).toContain("1:11 error [yaml-syntax] the [ that opens here is never closed");
});

import { join } from "node:path";
import { expect, test } from "vitest";
import { packBundle } from "../../components/bundle/pack.ts";
import { readApp } from "../../components/manifest/read.ts";
import { loadPlan } from "../../components/plan/load.ts";

const root = join(import.meta.dirname, "../..");

test("the example environment plans without a word", () => {
  const { value, issues } = loadPlan(root, "dev");
  expect(issues).toEqual([]);
  expect(value?.sites.map(({ name, routes }) => [name, routes.map(({ host, path }) => host + path)])).toContainEqual([
    "hello",
    ["*/"],
  ]);
});

test("hello and its twin mean the same, and differ in their manifest alone", () => {
  const [yaml, ini] = ["apps/hello", "apps/hello-ini"].map((app) => {
    const manifest = { ...readApp(root, app).value, file: "" };
    const entries = packBundle(root, app).value?.entries.filter(({ path }) => !path.startsWith("app."));
    return { manifest, entries };
  });
  expect(ini).toEqual(yaml);
  expect(yaml?.entries).toHaveLength(2);
});

// What README promises and owns up to, held against the code.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseEnvironment } from "../../components/environment/parse.ts";
import { parseManifest } from "../../components/manifest/parse.ts";
import { manifestLater } from "../../components/manifest/not-yet.ts";

const text = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8");
const section = (title: string) => text.split(/^## /m).find((each) => each.startsWith(`${title}\n`)) ?? "";
const yaml = [...text.matchAll(/^```yaml\n# (\S+?):[^\n]*\n([^]*?)^```/gm)].map(({ 1: file = "", 2: body = "" }) => ({
  file,
  body,
}));

test("the list of what is not built yet is that of the schema", () => {
  const named = [...section("Not yet").matchAll(/^- .*$/gm)].flatMap(([line]) =>
    [...line.matchAll(/`([^`]+)`/g)].map(([, key = ""]) => key),
  );
  const refused = Object.keys(manifestLater).map((key) => key.replace("services.*.type=", ""));
  expect(named.toSorted()).toEqual(refused.toSorted());
});

test("its manifests and environments are right", () => {
  expect(yaml.map(({ file }) => file)).toEqual(["apps/hello/app.yaml", "stacks/dev.yaml", "stacks/production.yaml"]);
  for (const { file, body } of yaml)
    expect(file.startsWith("apps/") ? parseManifest(body, file).issues : parseEnvironment(body, file, "x").issues, file).toEqual(
      [],
    );
});

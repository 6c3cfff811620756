import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseIni } from "../../components/manifest/ini/read.ts";
import { manifestLater } from "../../components/manifest/not-yet.ts";
import { manifestSchema } from "../../components/manifest/schema.ts";
import { readYaml } from "../../components/text/yaml.ts";

const docs = readFileSync(new URL("../../docs/app-ini.md", import.meta.url), "utf8");
const rows = [...docs.matchAll(/^\| `([^`]+)` +\| `(\{.+\})` +\|$/gm)].map(([, ini = "", yaml = ""]) => ({ ini, yaml }));

describe("docs/app-ini.md pairs a key of app.ini with one of app.yaml, and both readers agree", () => {
  test.each(rows)("$ini", ({ ini, yaml }) => {
    const read = parseIni(`[production]\n${ini}\n`, "app.ini");
    expect(read.issues).toEqual([]);
    expect(read.tree).toEqual(readYaml(yaml, "app.yaml").tree);
  });
});

test("docs/app-ini.md has each key of the schema, and those that are not built yet", () => {
  const keys = [...Object.keys(manifestSchema.shape), ...Object.keys(manifestLater).map((path) => path.split(/[.=]/)[0] ?? "")];
  const inDocs = rows.flatMap(({ yaml }) => Object.keys(readYaml(yaml, "app.yaml").tree as object));
  expect([...new Set(keys)].sort()).toEqual([...new Set(inDocs)].sort());
});

test("the example in docs/app-ini.md is read without an issue", () => {
  const example = /```ini\n([^`]*)```/.exec(docs)?.[1] ?? "";
  expect(parseIni(example, "app.ini")).toMatchObject({
    issues: [],
    tree: { name: "blog", packages: ["libjpeg62-turbo", "python3-psycopg2"] },
  });
});

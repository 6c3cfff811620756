import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseEnvironment } from "../../components/environment/parse.ts";
import { renderExample } from "../../components/manifest/example.ts";
import { parseManifest } from "../../components/manifest/parse.ts";
import { manifestSchema } from "../../components/manifest/schema.ts";
import { renderDocs } from "../../scripts/docs.ts";

const root = join(import.meta.dirname, "../..");
const blocksOf = (file: string, language: string) =>
  [...readFileSync(join(root, file), "utf8").matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, "gm"))].map(
    ([, text = ""]) => text,
  );

test("docs/ has what `npm run docs` writes", async () => {
  for (const [file, text] of await renderDocs()) expect(readFileSync(join(root, file), "utf8"), file).toBe(text);
});

test("the example of everything is right, and has every key", () => {
  const { value, issues } = parseManifest(renderExample(), "app.yaml");
  expect(issues).toEqual([]);
  for (const key of Object.keys(manifestSchema.shape)) expect(renderExample()).toMatch(new RegExp(`^(?:# )?${key}:`, "m"));
  expect(value?.config.required).toEqual({ STRIPE_KEY: "from stripe.com/keys" });
});

test("both forms in docs/manifest.md are right and mean the same", () => {
  const [yaml = ""] = blocksOf("docs/manifest.md", "yaml");
  const [ini = ""] = blocksOf("docs/manifest.md", "ini");
  const [one, other] = [parseManifest(yaml, "app.yaml"), parseManifest(ini, "app.ini")];
  expect([...one.issues, ...other.issues]).toEqual([]);
  expect({ ...other.value, file: "app.yaml" }).toEqual(one.value);
});

test("the example in docs/environment.md is right", () => {
  const [yaml = ""] = blocksOf("docs/environment.md", "yaml");
  expect(parseEnvironment(yaml, "stacks/production.yaml", "production").issues).toEqual([]);
});

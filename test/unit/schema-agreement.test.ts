import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { environmentSchema } from "../../components/environment/schema.ts";
import { renderJsonSchema } from "../../components/text/schema/json-schema.ts";
import { judge } from "../../components/text/schema/judge.ts";
import { manifestSchema } from "../../components/manifest/schema.ts";
import { readYaml } from "../../components/text/yaml.ts";
import { fixturesIn } from "../support/fixtures.ts";

/**
 * What to do about a value that has the right form and is out of range: an editor knows the ranges of plain numbers only, and of a job's
 * time only the characters.
 */
const OUT_OF_RANGE = /^write \d+[smhdKMGT] to \d+[smhdKMGT]$|^write \d+ or (?:more|less)$/;

/** Two spellings of one location in a list. */
const ONLY_AFTER_TIDYING = "site-locations-twice.yaml";

describe.each([
  { kind: "manifests", schema: manifestSchema },
  { kind: "environments", schema: environmentSchema },
])("the JSON Schema of $kind agrees with the schema", ({ kind, schema }) => {
  const ajv = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true });
  ajv.addKeyword({ keyword: "patternErrorMessage" });
  const validate = ajv.compile(JSON.parse(renderJsonSchema(schema, "title")) as object);

  // A text that is no YAML has no tree to agree on; what else the reader found is not the schema's to tell.
  const fixtures = ["good", "bad"]
    .flatMap((group) => fixturesIn(`${kind}/${group}`).filter(({ name }) => name.endsWith(".yaml")))
    .map((fixture) => ({ ...fixture, source: { ...readYaml(fixture.text, fixture.name), issues: [] } }))
    .filter(({ source }) => source.tree !== undefined);

  test.each(fixtures)("$name", ({ name, source }) => {
    const { value, issues } = judge(schema as typeof manifestSchema, source);
    const isAccepted = validate(source.tree ?? {});
    if (value !== undefined) expect(validate.errors ?? []).toEqual([]);
    else if (issues.every(({ fix, code }) => OUT_OF_RANGE.test(fix ?? "") || code === "bad-time") || name === ONLY_AFTER_TIDYING)
      expect(issues).not.toEqual([]);
    else expect(isAccepted).toBe(false);
  });
});

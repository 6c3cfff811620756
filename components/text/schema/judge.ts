import { z } from "zod";
import { Explainer, type Finding, type Hints } from "./explain.ts";
import { isMap } from "../value.ts";
import { byPlace, isError, type Issue, type Parsed } from "../issue.ts";
import { fieldAt, keyRuleAt } from "./walk.ts";
import type { Path, Source } from "../source.ts";

/** The result of a schema for a tree: the whole value if nothing is an error, and the top-level keys that are valid on their own. */
export interface Judgement<T> extends Parsed<T> {
  parts: Partial<T>;
}

/** Checks a tree against a schema of fixed keys. Reports all issues, in the order of the text. */
export function judge<T extends z.ZodRawShape>(
  schema: z.ZodObject<T, z.core.$strict>,
  source: Source,
  hints: Hints = {},
): Judgement<z.output<z.ZodObject<T, z.core.$strict>>> {
  if (source.tree === undefined) return { issues: source.issues, parts: {} };
  // An empty text is a map without keys, so that the message is about the missing keys.
  const tree = source.tree ?? {};
  const result = schema.safeParse(tree);
  const explainer = new Explainer(schema, source, hints);
  const findings: Finding[] = [
    ...(result.success ? [] : result.error.issues.flatMap((issue) => explainer.explain(issue))),
    ...(holdsPrototype(tree) ? prototypePaths(schema, tree) : []).map((path) => ({ issue: explainer.refuseName(path) })),
  ];
  // The reader's issue about a value comes first: the schema's only follows from it.
  const closer = new Set(findings.filter(({ isCloser }) => isCloser === true).map(({ issue }) => placeKey(issue)));
  const ofReader = source.issues.filter((issue) => !closer.has(placeKey(issue)));
  const said = new Set(ofReader.filter(isError).map(placeKey));
  // A key missing because it is mistyped is one mistake.
  const meant = new Set(findings.map((finding) => finding.meant));
  const found = findings.filter(
    ({ issue, missing }) =>
      !said.has(placeKey(issue)) && (missing === undefined || !(meant.has(missing.id) || source.meant?.has(missing.name))),
  );
  const issues = byPlace(distinct([...ofReader, ...found.map(({ issue }) => issue)]));
  if (!result.success) return { issues, parts: partsOf(schema, tree) };
  return issues.some(isError) ? { issues, parts: result.data } : { value: result.data, issues, parts: result.data };
}

const PROTOTYPE = "__proto__";

function holdsPrototype(tree: unknown): boolean {
  return isMap(tree) && (Object.hasOwn(tree, PROTOTYPE) || Object.values(tree).some(holdsPrototype));
}

/** Positions of names that zod silently skips. */
function prototypePaths(schema: z.ZodType, tree: unknown, path: Path = []): Path[] {
  if (!isMap(tree) || fieldAt(schema, path) === undefined) return [];
  const own = Object.hasOwn(tree, PROTOTYPE) && keyRuleAt(schema, path) !== undefined ? [[...path, PROTOTYPE]] : [];
  return [...own, ...Object.entries(tree).flatMap(([key, value]) => prototypePaths(schema, value, [...path, key]))];
}

/** A value can break two checks of one field, which has one message. */
function distinct(issues: Issue[]): Issue[] {
  return [...new Map(issues.map((issue) => [`${placeKey(issue)} ${issue.message}`, issue])).values()];
}

const placeKey = ({ place }: Issue) => `${place.line ?? 0}:${place.column ?? 0}`;

/** The values of the keys that are valid on their own. */
export function partsOf<T extends z.ZodRawShape>(
  { shape }: z.ZodObject<T, z.core.$strict>,
  tree: unknown,
): Partial<z.output<z.ZodObject<T, z.core.$strict>>> {
  const parts: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(shape)) {
    const result = isMap(tree) ? z.safeParse(field, tree[key]) : undefined;
    if (result?.success && result.data !== undefined) parts[key] = result.data;
  }
  return parts as Partial<z.output<z.ZodObject<T, z.core.$strict>>>;
}

import { z } from "zod";
import { Explainer, type Finding, type Hints } from "./explain.ts";
import { isMap } from "../value.ts";
import { byPlace, isError, type Issue, type Parsed } from "../issue.ts";
import { fieldAt, keyRuleAt } from "./walk.ts";
import type { Path, Source } from "../source.ts";

/** What a schema says of a tree: the whole of it when nothing is an error, and the keys at its top that are right on their own. */
export interface Judgement<T> extends Parsed<T> {
  parts: Partial<T>;
}

/** Checks a tree against a schema of fixed keys. All that is wrong is said, in the order of the text. */
export function judge<T extends z.ZodRawShape>(
  schema: z.ZodObject<T, z.core.$strict>,
  source: Source,
  hints: Hints = {},
): Judgement<z.output<z.ZodObject<T, z.core.$strict>>> {
  if (source.tree === undefined) return { issues: source.issues, parts: {} };
  // An empty text is a map without keys: then the message is about the keys that are missing.
  const tree = source.tree ?? {};
  const result = schema.safeParse(tree);
  const explainer = new Explainer(schema, source, hints);
  const findings: Finding[] = [
    ...(result.success ? [] : result.error.issues.flatMap((issue) => explainer.explain(issue))),
    ...(holdsPrototype(tree) ? prototypePaths(schema, tree) : []).map((path) => ({ issue: explainer.refuseName(path) })),
  ];
  // What the reader said of a value comes first: that the schema does not like what was read there only follows from it.
  const said = new Set(source.issues.filter(isError).map(placeKey));
  // A key that is missing because it is mistyped is one mistake.
  const meant = new Set(findings.map((finding) => finding.meant));
  const found = findings.filter(
    ({ issue, missing }) => !said.has(placeKey(issue)) && (missing === undefined || !meant.has(missing)),
  );
  const issues = byPlace(distinct([...source.issues, ...found.map(({ issue }) => issue)]));
  if (!result.success) return { issues, parts: partsOf(schema, tree) };
  return issues.some(isError) ? { issues, parts: result.data } : { value: result.data, issues, parts: result.data };
}

const PROTOTYPE = "__proto__";

function holdsPrototype(tree: unknown): boolean {
  return isMap(tree) && (Object.hasOwn(tree, PROTOTYPE) || Object.values(tree).some(holdsPrototype));
}

/** Where a name of the writer's choice is one that zod passes over in silence. */
function prototypePaths(schema: z.ZodType, tree: unknown, path: Path = []): Path[] {
  if (!isMap(tree) || fieldAt(schema, path) === undefined) return [];
  const own = Object.hasOwn(tree, PROTOTYPE) && keyRuleAt(schema, path) !== undefined ? [[...path, PROTOTYPE]] : [];
  return [...own, ...Object.entries(tree).flatMap(([key, value]) => prototypePaths(schema, value, [...path, key]))];
}

/** A value can break two checks of one field, which has one thing to say. */
function distinct(issues: Issue[]): Issue[] {
  return [...new Map(issues.map((issue) => [`${placeKey(issue)} ${issue.message}`, issue])).values()];
}

const placeKey = ({ place }: Issue) => `${place.line ?? 0}:${place.column ?? 0}`;

/** The values of those keys that are right on their own. */
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

import { isMap } from "../text/value.ts";

/** A manifest's tree with the short forms of `check` and `services` as the maps that they stand for; the schema takes both. */
export function spellOut(tree: Record<string, unknown>): Record<string, unknown> {
  const { check, services } = tree;
  return {
    ...tree,
    ...(typeof check === "string" ? { check: { path: check } } : {}),
    ...(isMap(services)
      ? { services: Object.fromEntries(Object.entries(services).map(([name, value]) => [name, spellOutService(value)])) }
      : {}),
  };
}

function spellOutService(value: unknown): unknown {
  if (value === null) return {};
  return typeof value === "string" ? { type: value } : value;
}

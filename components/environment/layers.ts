import { isMap } from "../text/value.ts";
import type { Path } from "../text/source.ts";
import type { Source } from "../text/source.ts";

/**
 * Merges an environment over stacks/base.yaml into one source. Maps are merged key by key; anything else
 * replaces the base's value. A site of the base counts only if the environment has it, too. Positions lead to the file
 * that set the value.
 */
export function layer(base: Source, over: Source): Source {
  const lower = onlySitesOf(base.tree, over.tree);
  const tree = base.tree === undefined || over.tree === undefined ? undefined : merge(lower, over.tree ?? {});
  return {
    tree,
    placeOf: (path, what) => (!has(over.tree, path) && has(base.tree, path) ? base : over).placeOf(path, what),
    nameOf: (path) => over.nameOf(path),
    writtenOf: (path) => (!has(over.tree, path) && has(base.tree, path) ? base : over).writtenOf?.(path),
    issues: [...base.issues, ...over.issues],
  };
}

function onlySitesOf(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(base.sites)) return base;
  const wanted = isMap(over) && isMap(over.sites) ? over.sites : {};
  return { ...base, sites: Object.fromEntries(Object.entries(base.sites).filter(([name]) => Object.hasOwn(wanted, name))) };
}

function merge(lower: unknown, upper: unknown): unknown {
  if (!isMap(lower) || !isMap(upper)) return upper;
  const keys = new Set([...Object.keys(lower), ...Object.keys(upper)]);
  return Object.fromEntries(
    [...keys].map((key) => [
      key,
      !Object.hasOwn(upper, key) ? lower[key] : Object.hasOwn(lower, key) ? merge(lower[key], upper[key]) : upper[key],
    ]),
  );
}

/** Whether the tree has a value at the path. */
function has(tree: unknown, path: Path): boolean {
  let value = tree;
  for (const step of path) {
    if ((!isMap(value) && !Array.isArray(value)) || !Object.hasOwn(value, step)) return false;
    value = (value as Record<string | number, unknown>)[step];
  }
  return true;
}

/**
 * What changed between two sets of inputs, and its effect on the resource: any change is an update, a change of
 * `triggers` as a whole replaces. (For a single trigger the SDK itself asks the engine to replace, by
 * `replaceOnChanges: ["triggers[*]"]`.)
 */
import { equal, isMap, type PropertyMap, type Value } from "./values.ts";

export type Change = "add" | "delete" | "update";

/** Each changed place, by its path (`connection.host`, `triggers[0]`, `environment["a.b"]`), as previews name it. */
export function diffInputs(old: PropertyMap, now: PropertyMap): Map<string, Change> {
  const changes = new Map<string, Change>();
  diffMaps([], old, now, changes);
  return changes;
}

type Path = (string | number)[];

function diffMaps(path: Path, old: PropertyMap, now: PropertyMap, changes: Map<string, Change>): void {
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    // The engine's own: not an input of a command.
    if (path.length === 0 && (name === "version" || name.startsWith("__"))) continue;
    diffValues([...path, name], old[name], now[name], changes);
  }
}

function diffValues(path: Path, old: Value | undefined, now: Value | undefined, changes: Map<string, Change>): void {
  if (old === undefined) changes.set(renderPath(path), "add");
  else if (now === undefined) changes.set(renderPath(path), "delete");
  else if (isMap(old) && isMap(now)) diffMaps(path, old, now, changes);
  else if (Array.isArray(old) && Array.isArray(now)) {
    for (let index = 0; index < Math.max(old.length, now.length); index += 1) {
      diffValues([...path, index], old[index], now[index], changes);
    }
  } else if (!equal(old, now)) changes.set(renderPath(path), "update");
}

/** Does a change of this path replace the resource by itself? */
export const replaces = (path: string): boolean => path === "triggers";

/** The input a path belongs to. */
export const headOf = (path: string): string => /^\w+/.exec(path)?.[0] ?? path;

function renderPath(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`;
      if (!/^\w*$/.test(part)) return `["${part.replaceAll('"', '\\"')}"]`;
      return index === 0 ? part : `.${part}`;
    })
    .join("");
}

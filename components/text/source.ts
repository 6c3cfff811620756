import type { Issue, Place } from "./issue.ts";

/** Way to a value in a tree: keys of maps and indexes of lists. */
export type Path = readonly (string | number)[];

/**
 * What a reader (YAML or INI) makes of a text: the plain nested tree that the schema then judges,
 * and the way back from a path in that tree to the place in the text. Both forms of one manifest give equal trees.
 */
export interface Source {
  /** Undefined when the text is too broken to judge: then `issues` has an error. */
  tree: unknown;
  /** Place of the value (or key) at this path, or of its nearest parent that stands in the text. */
  placeOf(path: Path, what: "key" | "value"): Place;
  /** The key at this path as the text's writer knows it: `services.db` in YAML, `service.db` in INI. */
  nameOf(path: Path): string;
  /** What the reader itself found wrong: syntax, not meaning. */
  issues: Issue[];
}

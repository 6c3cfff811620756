import type { Issue, Place } from "./issue.ts";

/** Path of a value in a tree: keys of maps and indexes of lists. */
export type Path = readonly (string | number)[];

/**
 * The result of a reader (YAML or INI): the plain nested tree that the schema then validates,
 * and the way back from a path in that tree to its position in the text. Both forms of one manifest give equal trees.
 */
export interface Source {
  /** Undefined when the text is too broken to validate: then `issues` has an error. */
  tree: unknown;
  /** Position of the value (or key) at this path, or of its nearest parent in the text. */
  placeOf(path: Path, what: "key" | "value"): Place;
  /** The key at this path as written in the text: `services.db` in YAML, `service.db` in INI. */
  nameOf(path: Path): string;
  /** The number at this path as written, e.g. `1.10`, which is read as 1.1. Undefined for anything else, and where all values are texts. */
  writtenOf?: (path: Path) => string | undefined;
  /** Names of the keys that the reader takes unknown ones for: they are not missing besides. Only where it knows the keys itself. */
  meant?: ReadonlySet<string>;
  /** The reader's own findings: syntax, not meaning. */
  issues: Issue[];
}

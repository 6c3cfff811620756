import type { Code } from "./code.ts";

/** A place in a text a person wrote. `line` and `column` count from 1; absent where a whole file is meant. */
export interface Place {
  /** Path relative to the project's root, with forward slashes. */
  file: string;
  line?: number;
  column?: number;
}

/** One thing that is wrong (or doubtful) in a manifest, an environment or their combination. */
export interface Issue {
  /** One of the closed list in docs/errors.md, e.g. `unknown-key`. */
  code: Code;
  severity: "error" | "warning";
  place: Place;
  /** What is wrong, with the value that was found: one sentence, no full stop needed by the reader to act. */
  message: string;
  /** What to do, when there is one thing to do. */
  fix?: string;
}

/** A parser's answer: the value when nothing is an error, and every issue found either way. */
export interface Parsed<T> {
  value?: T;
  issues: Issue[];
}

/** Sorted by line and column. */
export function byPlace(issues: Issue[]): Issue[] {
  return issues.toSorted((a, b) => (a.place.line ?? 0) - (b.place.line ?? 0) || (a.place.column ?? 0) - (b.place.column ?? 0));
}

/** An error at a place. */
export function error(code: Code, place: Place, message: string, fix?: string): Issue {
  return { code, severity: "error", place, message, ...(fix === undefined ? {} : { fix }) };
}

/** Whether an issue stops what is made from the text. */
export function isError({ severity }: Issue): boolean {
  return severity === "error";
}

import type { Code } from "./code.ts";

/** A position in a text that a person wrote. `line` and `column` count from 1; absent for a whole file. */
export interface Place {
  /** Path relative to the project's root, with forward slashes. */
  file: string;
  line?: number;
  column?: number;
}

/** One error or warning about a manifest, an environment or their combination. */
export interface Issue {
  /** One of the closed list in docs/errors.md, e.g. `unknown-key`. */
  code: Code;
  severity: "error" | "warning";
  place: Place;
  /** What is wrong, with the value found: one sentence, without a full stop. */
  message: string;
  /** What to do, if there is one clear thing. */
  fix?: string;
}

/** A parser's result: the value unless there is an error, and every issue found either way. */
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

/** A warning at a place. */
export function warning(code: Code, place: Place, message: string, fix: string): Issue {
  return { code, severity: "warning", place, message, fix };
}

/** Whether an issue is an error, which makes the text unusable. */
export function isError({ severity }: Issue): boolean {
  return severity === "error";
}

import { text, type FieldRule } from "./fields.ts";

const SEGMENT = "[A-Za-z0-9_.+][A-Za-z0-9_.+-]*";
/** A path inside a directory, as a pattern. */
export const PATH = `(?!(?:.*/)?\\.{1,2}(?:/|$))${SEGMENT}(?:/${SEGMENT})*`;

/** A path inside a directory, without characters that are special in a shell, an Apache file or a unit. */
export function path(what: Directory, example?: string) {
  return text(new RegExp(`^${PATH}$`), { ...pathRule(what), ...(example === undefined ? {} : { example }) });
}

type Directory = "the app's directory" | "the project";

/** The message for a wrong path. */
export function pathRule(what: Directory) {
  return {
    code: "bad-path",
    must: `a path inside ${what}, of letters, digits, _ . + - and /`,
    example: what === "the project" ? "apps/blog" : "src/wsgi.py",
    explain: (value: unknown) => {
      if (typeof value !== "string") return undefined;
      if (leadsOut(value)) {
        const must = `a path inside ${what}, and this one leads out of it`;
        return { code: "leads-out" as const, must, fix: `move the file into ${what}, and write its path from there` };
      }
      const tidy = value
        .replace(/^(?:\.\/+)+/, "")
        .replace(/\/+$/, "")
        .replace(/\/{2,}/g, "/");
      return tidy !== value && new RegExp(`^${PATH}$`).test(tidy) ? { fix: `write ${tidy}` } : undefined;
    },
  } satisfies FieldRule;
}

/** Whether a path leads out of its starting directory. */
export const leadsOut = (path: string) => /^[/\\~]|^[A-Za-z]:/.test(path) || path.split(/[/\\]/).includes("..");

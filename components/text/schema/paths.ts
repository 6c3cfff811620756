import { z } from "zod";
import { field, type FieldRule } from "./fields.ts";

const SEGMENT = "[A-Za-z0-9_.+][A-Za-z0-9_.+-]*";
/** A path inside a directory, as a pattern. */
export const PATH = `(?!(?:.*/)?\\.{1,2}(?:/|$))${SEGMENT}(?:/${SEGMENT})*`;

/** The same as a person may write it, with `./` before it. */
export const WRITTEN = `(?:\\./+)*${PATH}`;

/**
 * A path inside a directory, without characters that are special in a shell, an Apache file or a unit.
 * `./` before it and `/` after it are left out of the result.
 */
export function path(what: Directory, example?: string) {
  const schema = z
    .string()
    .regex(new RegExp(`^${WRITTEN}/*$`))
    .transform(tidyPath);
  return field(schema, { ...pathRule(what), ...(example === undefined ? {} : { example }) });
}

/** The path of a Debian package inside the app. */
export function debPath() {
  const rule = pathRule("the app's directory");
  const schema = z
    .string()
    .regex(new RegExp(`^(?=.*\\.deb$)${WRITTEN}$`))
    .transform(tidyPath);
  const must = "the path of a .deb file inside the app's directory, of letters, digits, _ . + - and /";
  return field(schema, { ...rule, must, example: "vendor/libfoo_1.2_amd64.deb" });
}

/** Silver Lining joined paths to the app's directory: `./main.py` and `site/` meant `main.py` and `site`. */
export function tidyPath(text: string): string {
  return text.replace(/^(?:\.\/+)+(?=.)/, "").replace(/(?<=[^/])\/+$/, "");
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
      const tidy = tidyPath(value).replace(/\/{2,}/g, "/");
      return tidy !== value && new RegExp(`^${PATH}$`).test(tidy) ? { fix: `write ${tidy}` } : undefined;
    },
  } satisfies FieldRule;
}

/** Whether a path leads out of its starting directory. */
export const leadsOut = (path: string) => /^[/\\~]|^[A-Za-z]:/.test(path) || path.split(/[/\\]/).includes("..");

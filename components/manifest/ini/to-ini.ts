import { printable } from "../../text/printable.ts";
import { LineCounter, Parser } from "yaml";
import { iniPartsOf, type IniPart } from "./keys.ts";
import { mainSection, parseIni } from "./read.ts";
import { error, isError, type Issue } from "../../text/issue.ts";
import { tidyPath } from "../../text/schema/paths.ts";
import { spellOut } from "../short-forms.ts";
import type { Source } from "../../text/source.ts";
import { isMap } from "../../text/value.ts";
import { readYaml } from "../../text/yaml.ts";

/** A converter's result: the text in the other form, or why there is none, with the reader's issues. */
export interface Converted {
  text?: string;
  issues: Issue[];
}

/** The app.ini that means the same as an app.yaml; comments are placed before their key. */
export function convertToIni(text: string, file: string): Converted {
  const source = readYaml(text, file);
  if (source.issues.some(isError)) return { issues: source.issues };
  if (!isMap(source.tree)) {
    const fix = "write keys with values, such as name: blog";
    return { issues: [error("wrong-type", source.placeOf([], "value"), "the text is not a map", fix)] };
  }
  const parts = iniPartsOf(spellOut(source.tree)).filter(({ path, part }) => path.length > 1 || !isEmptyMap(part));
  const lost = parts.flatMap((part) => tellLost(part, source));
  if (lost.length > 0) return { issues: lost };
  const comments = new YamlComments(text, parts, source);
  const keys = parts.map((part, index) => `${comments.before(index).join("")}${renderPart(part)}`);
  return { text: `[${mainSection}]\n${keys.join("")}${comments.atEnd().join("")}`, issues: source.issues };
}

/** The lines of one key. A one-line value goes beside its key, unless a blank and `;` would cut it there. */
function renderPart({ part, as }: IniPart): string {
  if (!as) return "";
  const lines = as.form.write(part);
  const [first] = lines;
  const isBeside = lines.length === 1 && first !== undefined && !/^;|^[^;]*[ \t];/.test(first) && first !== '""';
  return isBeside ? `${as.key} = ${first}\n` : [`${as.key} =`, ...lines.map((line) => `    ${line}`), ""].join("\n");
}

/** What app.ini can't express: a part that is refused, or differs, when read again. */
function tellLost(part: IniPart, source: Source): Issue[] {
  const place = source.placeOf(part.path, "key");
  const name = source.nameOf(part.path);
  if (!part.as) return [error("unknown-key", place, `${name} is not a key of app.ini`, "correct it, or delete it")];
  const again = parseIni(`[${mainSection}]\n${renderPart(part)}`, "app.ini");
  const read = part.path.reduce<unknown>(
    (map, step) => (isMap(map) && Object.hasOwn(map, step) ? map[step] : undefined),
    again.tree,
  );
  if (isSame(read, part.part) && !again.issues.some(isError)) return [];
  const fix = "use plain texts without line breaks, or keep app.yaml";
  return [error("bad-text", place, `app.ini can't express this value of ${name}`, fix)];
}

/** Whether two parts of a tree mean the same: in app.ini every value is text, and a path is read without `./` and `/` around it. */
function isSame(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(part: unknown): string | undefined {
  return JSON.stringify(part, (_, value: unknown) => {
    if (typeof value === "string") return tidyPath(value);
    return typeof value === "number" || typeof value === "boolean" ? String(value) : value;
  });
}

/** The comments of a YAML text, and the blank lines before them, each assigned to its key of app.ini. */
class YamlComments {
  readonly #before: string[][];
  readonly #atEnd: string[] = [];

  constructor(text: string, parts: IniPart[], source: Source) {
    const lines = text.split("\n");
    const starts = startLines(parts, source);
    const begins = [...starts];
    this.#before = parts.map(() => []);
    for (const { line, comment } of commentsOf(text)) {
      // A hint to YAML editors doesn't apply to another file.
      if (comment.startsWith("# yaml-language-server:")) continue;
      const isAlone = lines[line - 1]?.trimStart().startsWith("#") ?? false;
      const content = isAlone ? lines.findIndex((each, index) => index >= line && !/^\s*(?:#|$)/.test(each)) + 1 : line;
      const start = content === 0 ? undefined : starts.findLast((each) => each <= content);
      // The first of several keys on one line.
      const owner = start === undefined ? -1 : starts.indexOf(start);
      (this.#before[owner] ?? this.#atEnd).push(`${printable(comment)}\n`);
      begins[owner] = Math.min(begins[owner] ?? line, line);
    }
    for (const [index, begin] of begins.entries()) {
      if (index > 0 && lines[begin - 2]?.trim() === "") this.#before[index]?.unshift("\n");
    }
  }

  before(index: number): string[] {
    return this.#before[index] ?? [];
  }

  atEnd(): string[] {
    return this.#atEnd;
  }
}

/** The line on which each part begins: the first below a key begins with that key. */
function startLines(parts: IniPart[], source: Source): number[] {
  const seen = new Set<string | number | undefined>();
  return parts.map(({ path }) => {
    const isFirst = !seen.has(path[0]);
    seen.add(path[0]);
    return source.placeOf(isFirst ? path.slice(0, 1) : path, "key").line ?? 1;
  });
}

function commentsOf(text: string): { line: number; comment: string }[] {
  const lines = new LineCounter();
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  return tokens.flatMap(commentTokens).map(({ offset, source }) => ({ line: lines.linePos(offset).line, comment: source }));
}

/** Comments may be anywhere in the syntax tree that blanks may be: search all of it. */
function commentTokens(token: unknown): { offset: number; source: string }[] {
  if (typeof token !== "object" || token === null) return [];
  if ("type" in token && token.type === "comment") return [token as unknown as { offset: number; source: string }];
  return Object.values(token).flatMap(commentTokens);
}

const isEmptyMap = (value: unknown) => isMap(value) && Object.keys(value).length === 0;

import { styleText } from "node:util";
import type { Issue, Place } from "./issue.ts";
import { printable } from "./printable.ts";

export interface FrameOptions {
  /** Whether to use colour, for a person's terminal. Default: false. */
  colour?: boolean;
  /** How a file is named, e.g. from where a person stands. Default: from the project's root. */
  nameFile?: (file: string) => string;
}

/** Columns of a line that a frame shows; a longer line is cut around the position. */
const widest = 100;

/**
 * Issues for a person, each with its line and a caret under the position:
 *
 *     apps/blog/app.ini:7:1 error [unknown-key] runnr is not a key
 *       7 | runnr = src/wsgi.py
 *         | ^^^^^
 *       did you mean runner?
 *
 * @param read text of a file; undefined when unreadable: then the frame is omitted
 */
export function renderIssues(
  issues: readonly Issue[],
  read: (file: string) => string | undefined,
  options: FrameOptions = {},
): string {
  const lines = new Map<string, string[] | undefined>();
  const lineAt = ({ file, line }: Place) => {
    if (!lines.has(file)) lines.set(file, read(file)?.split("\n"));
    return line === undefined ? undefined : lines.get(file)?.[line - 1];
  };
  return issues.map((issue) => renderIssue(issue, lineAt(issue.place), options)).join("\n\n");
}

/** An issue in one line, without a frame and without colour. */
export function issueLine({ code, place, message, fix }: Issue): string {
  return printable(`${placeText(place)} [${code}] ${message}${fix === undefined ? "" : `: ${fix}`}`);
}

/** One issue; `line` is the text of its line. */
function renderIssue(
  { code, severity, place, message, fix }: Issue,
  line: string | undefined,
  { colour = false, nameFile = (file) => file }: FrameOptions,
): string {
  const paint = (style: "bold" | "red" | "yellow" | "cyan", text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const tone = severity === "error" ? "red" : "yellow";
  const head = `${paint("bold", printable(placeText({ ...place, file: nameFile(place.file) })))} ${paint(tone, severity)} [${code}] ${printable(message)}`;
  const [source, caret] = line === undefined ? [] : frameLines(line, place);
  return [head, source, caret && paint(tone, caret), fix && `  ${paint("cyan", printable(fix))}`]
    .filter((text) => text !== undefined)
    .join("\n");
}

/** `file:line:column`, which terminals and editors turn into a link. */
export function placeText({ file, line, column }: Place): string {
  return [file, line, column].filter((part) => part !== undefined).join(":");
}

/** The line with its number, and the line with the carets. */
function frameLines(line: string, place: Place): string[] {
  const seen = line.replace(/\r$/, "").replace(/^\u{feff}/u, "");
  const text = printable(seen.replaceAll("\t", " ").replaceAll("\u{a0}", "␣"));
  const start = Math.min((place.column ?? 1) - 1, text.length);
  const from = Math.max(0, Math.min(start - 40, text.length - widest));
  const shown = `${from > 0 ? "…" : ""}${text.slice(from, from + widest)}${from + widest < text.length ? "…" : ""}`;
  const number = String(place.line ?? "");
  const word = wordAt(text.slice(0, from + widest), start);
  const indent = " ".repeat(start - from + (from > 0 ? 1 : 0));
  return [`  ${number} | ${shown}`, `  ${" ".repeat(number.length)} | ${indent}${"^".repeat(word)}`];
}

/** Length of the word at a place: a text in quotes with them, else up to a blank, a bracket, a comma or the colon after a key. */
function wordAt(line: string, start: number): number {
  const rest = line.slice(start);
  const quoted = /^"(?:[^"\\]|\\.)*"|^'(?:[^']|'')*'/.exec(rest)?.[0];
  if (quoted !== undefined) return quoted.length;
  // A key of app.ini, or a library of requirements.txt, ends at its equals sign.
  const isFirst = line.slice(0, start).trim() === "";
  const bare = isFirst ? /^[^\s,[\]{}"'=]+?(?=:?(?:[\s,[\]{}"'=]|$))/ : /^[^\s,[\]{}"']+?(?=:?(?:[\s,[\]{}"']|$))/;
  return bare.exec(rest)?.[0].length ?? 1;
}

import type { Code } from "./code.ts";
import type { Issue } from "./issue.ts";
import { quote } from "./quote.ts";

/** One line of a value, without the blanks around it. */
export interface IniLine {
  text: string;
  /** Counts from 1. */
  line: number;
  /** Counts from 1, in UTF-16 units, as editors and the YAML reader do. */
  column: number;
}

/** One key with its value, as in the file. */
export interface IniEntry {
  /** Lower-cased, as in Python's configparser. */
  key: string;
  line: number;
  column: number;
  /** The first is beside the key (its text may be empty), the others are continuation lines. */
  lines: [IniLine, ...IniLine[]];
}

export interface IniSection {
  name: string;
  /** The text has no such line: its keys come before any section, or under a malformed one. */
  implied: boolean;
  line: number;
  column: number;
  /** In the order of the file; a repeated key appears twice. */
  entries: IniEntry[];
}

/** A comment, with its mark (`#`, `;` or `rem`). */
export interface IniComment extends IniLine {
  /** Follows a value or a section's name, not on its own line. */
  trailing: boolean;
}

/** An INI file with all positions, not yet validated. */
export interface IniDocument {
  sections: IniSection[];
  comments: IniComment[];
  issues: Issue[];
}

/** The value of an entry as Python's configparser gives it. */
export function iniValue(entry: IniEntry): string {
  return entry.lines.map((line) => line.text).join("\n");
}

/** Wrong lines reported one by one, at most. */
const mostIssues = 50;

/**
 * Reads INI text like Python 2.6's ConfigParser, with which Silver Lining read `app.ini`:
 * https://docs.python.org/2.6/library/configparser.html. No interpolation: `%` is an ordinary character.
 *
 * On purpose more lenient than 2010: a byte order mark is skipped, and keys may be indented (as Python 3 allows it).
 * Never throws; time is linear in the text.
 * @param first name of the section for keys that come before any section
 */
export function parseIniDocument(text: string, file: string, first: string): IniDocument {
  return new IniReader(text, file, first).read();
}

class IniReader {
  readonly #text: string;
  readonly #file: string;
  readonly #first: string;
  readonly #document: IniDocument = { sections: [], comments: [], issues: [] };
  #section: IniSection | undefined;
  #entry: IniEntry | undefined;
  /** Indent of the last key or section; deeper lines continue that key's value. */
  #indent = 0;
  #line = 0;
  #badLines = 0;
  #isBeforeTold = false;

  constructor(text: string, file: string, first: string) {
    this.#text = text;
    this.#file = file;
    this.#first = first;
  }

  read(): IniDocument {
    let start = this.#text.startsWith("\u{feff}") ? 1 : 0;
    while (start < this.#text.length) {
      const end = this.#text.indexOf("\n", start);
      const next = end < 0 ? this.#text.length : end;
      this.#line += 1;
      this.#readLine(this.#text.slice(start, next));
      start = next + 1;
    }
    if (this.#badLines > mostIssues) {
      const more = this.#badLines - mostIssues;
      this.#error("bad-line", 1, `${more} more lines are neither a key with a value, nor a section, nor a comment`, undefined);
    }
    return this.#document;
  }

  #readLine(raw: string): void {
    const indent = firstInk(raw);
    if (indent < 0) return;
    const ink = trimBlanks(raw);
    if (indent === 0 && isComment(raw)) {
      this.#comment(ink, 1, false);
    } else if (this.#entry && indent > this.#indent) {
      this.#entry.lines.push({ text: ink, line: this.#line, column: indent + 1 });
    } else if (isMarked(ink)) {
      this.#comment(ink, indent + 1, false);
    } else {
      this.#indent = indent;
      this.#readHead(ink, indent + 1);
    }
  }

  /** Reads a line that begins a section or a key. */
  #readHead(ink: string, column: number): void {
    const close = ink.indexOf("]", 1);
    if (ink.startsWith("[") && close > 1) {
      this.#beginSection(ink.slice(1, close), column, false);
      this.#readAfterSection(ink.slice(close + 1), column + close + 1);
      return;
    }
    if (!this.#section) this.#beginSection(this.#first, column, true);
    const delimiter = firstDelimiter(ink);
    if (delimiter <= 0 || (ink.startsWith("[") && this.#section?.implied)) {
      this.#badLine(ink, column);
    } else {
      this.#tellBeforeSection(column);
      this.#beginEntry(ink, delimiter, column);
    }
  }

  /** Once; and not when the line that should have been the section is reported already. */
  #tellBeforeSection(column: number): void {
    if (!this.#section?.implied || this.#isBeforeTold) return;
    this.#isBeforeTold = true;
    this.#error("key-before-section", column, "this key is before the first section", `put the line [${this.#first}] above it`);
  }

  #beginSection(name: string, column: number, implied: boolean): void {
    this.#section = { name, implied, line: this.#line, column, entries: [] };
    this.#entry = undefined;
    this.#document.sections.push(this.#section);
  }

  #readAfterSection(rest: string, column: number): void {
    const ink = trimBlanks(rest);
    if (ink === "") return;
    const place = column + firstInk(rest);
    if (isMarked(ink)) {
      this.#comment(ink, place, true);
    } else {
      this.#warning("ignored-text", place, `${quote(ink)} after the section's name is ignored`, "put it on a line of its own");
    }
  }

  #beginEntry(ink: string, delimiter: number, column: number): void {
    const after = ink.slice(delimiter + 1);
    const value = trimBlanks(after);
    const offset = column + delimiter + 1 + Math.max(firstInk(after), 0);
    const cut = trailingComment(value);
    if (cut !== undefined) this.#comment(value.slice(cut), offset + cut, true);
    const kept = trimBlanks(value.slice(0, cut));
    this.#entry = {
      key: asciiLower(trimBlanks(ink.slice(0, delimiter))),
      line: this.#line,
      column,
      lines: [{ text: kept === '""' ? "" : kept, line: this.#line, column: offset }],
    };
    this.#section?.entries.push(this.#entry);
  }

  #badLine(ink: string, column: number): void {
    this.#badLines += 1;
    if (this.#badLines > mostIssues) return;
    if (ink.startsWith("[")) {
      this.#isBeforeTold = true;
      this.#error("bad-line", column, `${quote(ink)} is not a section`, 'write it as "[name]"');
    } else if (ink.startsWith("=") || ink.startsWith(":")) {
      this.#error("bad-line", column, `${quote(ink)} has a value, but no key`, 'write it as "key = value"');
    } else {
      const fix = 'write it as "key = value"; indent it if it continues the value above, begin it with "#" if it is a comment';
      this.#error("bad-line", column, `${quote(ink)} is neither a key with a value, nor a section, nor a comment`, fix);
    }
  }

  #comment(text: string, column: number, trailing: boolean): void {
    this.#document.comments.push({ text, line: this.#line, column, trailing });
  }

  #error(code: Code, column: number, message: string, fix: string | undefined): void {
    this.#issue("error", code, column, message, fix);
  }

  #warning(code: Code, column: number, message: string, fix: string): void {
    this.#issue("warning", code, column, message, fix);
  }

  #issue(severity: Issue["severity"], code: Code, column: number, message: string, fix: string | undefined): void {
    const place = { file: this.#file, line: this.#line, column };
    this.#document.issues.push({ code, severity, place, message, ...(fix === undefined ? {} : { fix }) });
  }
}

/** Whether a character is a blank to a Python 2 byte string: tab to carriage return, and space. Other Unicode spaces are text. */
function isBlank(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13);
}

/** Index of the first non-blank character, or -1. */
function firstInk(text: string): number {
  let index = 0;
  while (index < text.length && isBlank(text.charCodeAt(index))) index += 1;
  return index < text.length ? index : -1;
}

/** Trims ASCII blanks from both ends: String.trim would also trim no-break spaces and the like. */
function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isMarked(ink: string): boolean {
  return ink.startsWith("#") || ink.startsWith(";");
}

/** Python 2 also treats a line whose first word is `rem`, as in DOS, as a comment. */
function isComment(raw: string): boolean {
  return isMarked(raw) || /^rem(?:[ \t\r\v\f]|$)/i.test(raw);
}

/** Index of the first `=` or `:`, or -1. */
function firstDelimiter(ink: string): number {
  const equals = ink.indexOf("=");
  const colon = ink.indexOf(":");
  return equals < 0 || colon < 0 ? Math.max(equals, colon) : Math.min(equals, colon);
}

/** Where a comment begins in the first line of a value: at its first `;`, if a blank precedes it. */
function trailingComment(value: string): number | undefined {
  const mark = value.indexOf(";");
  return mark > 0 && isBlank(value.charCodeAt(mark - 1)) ? mark : undefined;
}

function asciiLower(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}

import type { IniEntry, IniLine } from "../../text/ini-document.ts";
import { contentLines, type IniTree } from "../../text/ini-tree.ts";

/** One word of a line such as `/health 200 "ok" within=30s`. */
export interface IniWord {
  /** Its value, without quotes, and for an option without `key=`. */
  text: string;
  /** As in the file. */
  raw: string;
  /** `within` of `within=30s`; absent for a bare word. */
  option?: string;
  quoted: boolean;
  line: number;
  column: number;
  /** Where the value begins: after `key=` for an option. */
  valueColumn: number;
}

/** An unclosed quote, or text directly after a closing one. */
export interface WordMistake {
  line: number;
  column: number;
  message: string;
}

/** A word: an optional `key=`, then a quoted text or anything without blanks. Linear: no text is scanned twice. */
const wordPattern = /(?=[^ \t])([a-z][a-z_]*=)?(?:"((?:[^"\\]|\\.)*)"(?![^ \t])|([^ \t]*))/g;

/**
 * Splits a line at its blanks. A value in double quotes may contain blanks and `\"`, `\\`, `\n` and `\t`.
 * Stops at the first mistake: nothing after an unclosed quote can be trusted.
 */
export function splitWords({ text: whole, line, column: start }: IniLine): { words: IniWord[]; mistake?: WordMistake } {
  const words: IniWord[] = [];
  for (const match of whole.matchAll(wordPattern)) {
    const [raw, key, quoted, bare = ""] = match;
    const column = start + match.index;
    const valueColumn = column + (key?.length ?? 0);
    if (bare.startsWith('"')) {
      const ends = /^"(?:[^"\\]|\\.)*"/.test(whole.slice(valueColumn - start));
      const message = ends ? "text follows directly on the quotes" : "the quotes that begin here are not closed";
      return { words, mistake: { line, column: valueColumn, message } };
    }
    const text = quoted === undefined ? bare : unescapeQuoted(quoted);
    const option = key === undefined ? {} : { option: key.slice(0, -1) };
    words.push({ text, raw, ...option, quoted: quoted !== undefined, line, column, valueColumn });
  }
  return { words };
}

/** Words of all lines of a value; reports mistakes in quotes. */
export function wordsOf(entry: IniEntry, into: IniTree): IniWord[] {
  return contentLines(entry).flatMap((line) => {
    const { words, mistake } = splitWords(line);
    if (mistake) {
      const fix = 'end them with " before a blank or the end of the line; " ;" begins a comment, also within quotes';
      into.error("bad-words", mistake, mistake.message, fix);
    }
    return words;
  });
}

/** Text of a value in double quotes; any other value unchanged. */
export function unquote(text: string): string {
  const inside = /^"((?:[^"\\]|\\.)*)"$/.exec(text)?.[1];
  return inside === undefined ? text : unescapeQuoted(inside);
}

/** The value in double quotes: `unquote` of it is the value again. */
export function quoteValue(text: string): string {
  const escapes: Record<string, string> = { '"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t" };
  return `"${text.replace(/["\\\n\t]/g, (character) => escapes[character] ?? character)}"`;
}

/** The value as one word, in double quotes if needed. */
export function quoteWord(text: string): string {
  return text === "" || text.startsWith('"') || /[ \t\n]/.test(text) ? quoteValue(text) : text;
}

function unescapeQuoted(inside: string): string {
  return inside.replace(/\\(.)/g, (whole, character: string) => ({ n: "\n", t: "\t", '"': '"', "\\": "\\" })[character] ?? whole);
}

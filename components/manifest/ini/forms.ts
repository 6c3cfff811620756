import type { IniEntry, IniLine } from "../../text/ini-document.ts";
import { contentLines, keySpot, valueSpot, type IniTree } from "../../text/ini-tree.ts";
import { quote, quoteName } from "../../text/quote.ts";
import { quoteValue, quoteWord, unquote, wordsOf, type IniWord } from "./words.ts";

export type KeyPath = readonly [string, ...string[]];

/** How the value of one INI key maps to a part of the tree. */
export interface IniForm {
  /** Path of that part. */
  path: KeyPath;
  read: (entry: IniEntry, into: IniTree) => void;
  /**
   * The lines from which `read` makes this part of the tree. Writes even what it can't express:
   * the writer reads it again and compares.
   */
  write: (part: unknown) => string[];
}

/** One value on one line. Blank means absent, as in 2010. */
export function single(path: KeyPath, clean = asItIs): IniForm {
  return {
    path,
    read: (entry, into) => {
      const [line, second] = contentLines(entry);
      into.mark(path, keySpot(entry), valueSpot(entry));
      if (second) {
        const fix = "remove the indent if it is a key of its own";
        into.error("one-line", second, `${entry.key} takes one line, and this line continues it`, fix);
      } else if (line) {
        into.put(path, clean(line.text), keySpot(entry), line);
      }
    },
    write: (part) => [textOf(part)],
  };
}

const asItIs = (text: string) => text;

/** One item per line. */
export function lines(path: KeyPath, clean = asItIs): IniForm {
  return {
    path,
    read: (entry, into) => {
      const content = contentLines(entry);
      const items = content.map((line) => clean(line.text));
      into.put(path, items, keySpot(entry), valueSpot(entry));
      for (const [index, line] of content.entries()) into.mark([...path, index], line, line);
    },
    write: (part) => listOf(part).map(textOf),
  };
}

/** The form of a pair on a line. */
export interface PairShape {
  /** Its form in messages. */
  shape: string;
  /** Finds the key and the value. */
  pattern: RegExp;
  join: (key: string, value: string) => string;
}

/** One pair per line. A value that is not plain is in double quotes. */
export function pairs(path: KeyPath, shape: PairShape): IniForm {
  return {
    path,
    read: (entry, into) => {
      into.open(path, keySpot(entry), valueSpot(entry));
      for (const line of contentLines(entry)) readPair(path, line, shape, into);
    },
    write: (part) => pairsOf(part).map(([key, value]) => shape.join(key, isPlain(value) ? value : quoteValue(value))),
  };
}

function readPair(path: KeyPath, line: IniLine, { shape, pattern }: PairShape, into: IniTree): void {
  const [whole, key, value = ""] = pattern.exec(line.text) ?? [];
  if (whole === undefined || key === undefined) {
    into.error("bad-words", line, `${quote(line.text)} is not of the form ${shape}`, `write one ${shape} a line`);
    return;
  }
  const spot = { line: line.line, column: line.column + whole.length - value.length };
  into.put([...path, key], unquote(value), line, spot);
}

/** Whether a value of a pair needs no quotes: it has no blanks around it, is one line, and does not look quoted itself. */
function isPlain(value: string): boolean {
  return !/^[ \t\v\f]|[ \t\v\f]$|[\r\n]/.test(value) && !value.startsWith('"');
}

/** What bare words of a value mean, in the order in which they are tried: a word goes to the first free one that fits. */
export interface Positional {
  key: string;
  fits: (word: Pick<IniWord, "text" | "quoted">) => boolean;
  /** Whether it is written in quotes. */
  quoted?: true;
}

/** Bare words and options on one or more lines, e.g. `/health 200 "ok" within=30s`. Blank means absent. */
export function options(path: KeyPath, positionals: Positional[], shape: string): IniForm {
  return {
    path,
    read: (entry, into) => {
      const words = readWords(path, entry, into);
      const free = [...positionals];
      for (const word of words) {
        const index = word.option === undefined ? free.findIndex((positional) => positional.fits(word)) : -1;
        const [positional] = index < 0 ? [] : free.splice(index, 1);
        if (word.option !== undefined) readOption(path, word, into);
        else if (positional) into.put([...path, positional.key], word.text, word, word);
        else into.error("bad-words", word, `${quoteName(word.raw)} has no meaning for ${quoteName(entry.key)}`, `write ${shape}`);
      }
    },
    write: (part) => {
      const bare = positionals.flatMap(({ key, fits, quoted = false }) => {
        const [, value] = pairsOf(part).find(([option]) => option === key) ?? [];
        if (value === undefined || !fits({ text: value, quoted })) return [];
        return quoted || quoteWord(value) === value ? [{ key, word: quoted ? quoteValue(value) : value }] : [];
      });
      const rest = pairsOf(part).filter(([option]) => bare.every(({ key }) => key !== option));
      return oneLine([...bare.map(({ word }) => word), ...rest.map(optionText)]);
    },
  };
}

/** Bare words form a list under `key`, with options beside it: `/export /big processes=2`. */
export function listAndOptions(path: KeyPath, key: string): IniForm {
  return {
    path,
    read: (entry, into) => {
      const words = readWords(path, entry, into);
      const bare = words.filter((word) => word.option === undefined);
      const [first] = bare;
      if (first) {
        const items = bare.map((word) => word.text);
        into.put([...path, key], items, keySpot(entry), first);
      }
      for (const [index, word] of bare.entries()) into.mark([...path, key, index], word, word);
      for (const word of words) if (word.option !== undefined) readOption(path, word, into);
    },
    write: (part) => {
      const items = listOf(mapOf(part)[key]);
      const rest = pairsOf(part).filter(([option]) => option !== key);
      return oneLine([...items.map((item) => quoteWord(textOf(item))), ...rest.map(optionText)]);
    },
  };
}

/** A command line, then options: `bin/migrate --all timeout=10m`. Its own words keep their quotes: it is a command line. */
export function commandAndOptions(path: KeyPath): IniForm {
  return {
    path,
    read: (entry, into) => {
      readCommand(path, readWords(path, entry, into), into);
    },
    write: (part) => oneLine(commandWords(part)),
  };
}

/** A time (five fields, or `@daily` and the like), a command line, then options. */
export function timedCommand(path: KeyPath): IniForm {
  return {
    path,
    read: (entry, into) => {
      const words = readWords(path, entry, into);
      const [first] = words;
      const fields = first?.text.startsWith("@") ? 1 : 5;
      if (!first || words.findLastIndex((word) => word.option === undefined) < fields) {
        const message = `${quoteName(entry.key)} needs a time (five fields, or @daily and so on) and a command`;
        into.error("bad-words", valueSpot(entry), message, `write ${quoteName(entry.key)} = 15 3 * * * bin/digest overlap=skip`);
        return;
      }
      const at = words.slice(0, fields).map((word) => word.raw);
      into.put([...path, "at"], at.join(" "), first, first);
      readCommand(path, words.slice(fields), into);
    },
    write: (part) => {
      const { at, ...rest } = mapOf(part);
      return oneLine([...(at === undefined ? [] : [textOf(at)]), ...commandWords(rest)]);
    },
  };
}

function readCommand(path: KeyPath, words: IniWord[], into: IniTree): void {
  const end = words.findLastIndex((word) => word.option === undefined) + 1;
  const [first] = words;
  if (first && end > 0) {
    const run = words.slice(0, end).map((word) => word.raw);
    into.put([...path, "run"], run.join(" "), first, first);
  }
  for (const word of words.slice(end)) readOption(path, word, into);
}

function commandWords(part: unknown): string[] {
  const run = mapOf(part).run;
  const rest = pairsOf(part).filter(([option]) => option !== "run");
  return [...(run === undefined ? [] : [textOf(run)]), ...rest.map(optionText)];
}

/** The words of a value; creates its map when there are any. */
export function readWords(path: KeyPath, entry: IniEntry, into: IniTree): IniWord[] {
  const words = wordsOf(entry, into);
  if (words.length > 0) into.open(path, keySpot(entry), valueSpot(entry));
  else into.mark(path, keySpot(entry), valueSpot(entry));
  return words;
}

export function readOption(path: KeyPath, word: IniWord, into: IniTree): void {
  into.put([...path, word.option ?? ""], word.text, word, { line: word.line, column: word.valueColumn });
}

export function optionText([key, value]: [string, string]): string {
  return `${key}=${quoteWord(value)}`;
}

/** Words on one line; no line without words. */
export function oneLine(words: string[]): string[] {
  return words.length > 0 ? [words.join(" ")] : [];
}

/** A part of the tree as a map; empty for anything else. */
export function mapOf(part: unknown): Record<string, unknown> {
  return typeof part === "object" && part !== null && !Array.isArray(part) ? (part as Record<string, unknown>) : {};
}

/** The keys of a part of the tree, with their values as texts. */
export function pairsOf(part: unknown): [key: string, value: string][] {
  return Object.entries(mapOf(part)).map(([key, value]) => [key, textOf(value)]);
}

/** A value of the tree as text, for app.ini. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function listOf(part: unknown): unknown[] {
  return Array.isArray(part) ? part : part === undefined ? [] : [part];
}

import { parseIniDocument, type IniDocument, type IniEntry, type IniSection } from "../../text/ini-document.ts";
import { formOf, iniNameOf, oldKeyFix, suggestKey } from "./keys.ts";
import { blankFix } from "../../text/blanks.ts";
import { contentLines, IniTree, keySpot, type Spot } from "../../text/ini-tree.ts";
import { quote, quoteName } from "../../text/quote.ts";
import type { Path, Source } from "../../text/source.ts";
import { suggest } from "../../text/suggest.ts";

/** The one section that counts, as in Silver Lining. */
export const mainSection = "production";

/** Section with defaults for keys missing in [production], as in Python's configparser. */
const defaults = "DEFAULT";

/** A read `app.ini`, with all findings about its form. */
export interface IniManifest {
  document: IniDocument;
  source: Source;
  /** The entries of the tree, in the order of the file except for those of [DEFAULT], with the paths they produce. */
  entries: { entry: IniEntry; path: Path }[];
}

/**
 * Reads `app.ini` into the same tree that `app.yaml` gives; the values are texts, except true and false of `config.required`.
 * The schema validates the values; this reports errors of the file's form, and what 2010 read differently from how it looks.
 */
export function parseIni(text: string, file: string): Source {
  return parseIniManifest(text, file).source;
}

/** Like `parseIni`, with what a converter also needs. */
export function parseIniManifest(text: string, file: string): IniManifest {
  const document = parseIniDocument(text, file, mainSection);
  const chosen = chooseSections(document);
  const [main] = chosen;
  const into = new IniTree(file, main ?? { line: 1, column: 1 });
  tellSections(document, chosen, into);
  tellControlCharacters(text, into);
  const entries = effectiveEntries(document, chosen, into).flatMap((entry) => readEntry(entry, into));
  const source: Source = {
    tree: main ? into.tree : undefined,
    placeOf: (path, what) => into.placeOf(path, what),
    nameOf: iniNameOf,
    meant: into.meant,
    issues: [...document.issues, ...into.issues],
  };
  return { document, source, entries };
}

/** Sections that count: those correctly named, or else the one most likely meant. */
function chooseSections({ sections }: IniDocument): IniSection[] {
  const right = sections.filter(({ name }) => name === mainSection);
  if (right.length > 0) return right;
  const others = sections.filter(({ name }) => name !== defaults);
  const near =
    others.find(({ name }) => suggest(name.trim(), [mainSection]) !== undefined) ?? (others.length === 1 ? others[0] : undefined);
  return near ? [near] : [];
}

function tellSections({ sections }: IniDocument, chosen: IniSection[], into: IniTree): void {
  const [main, ...again] = chosen;
  if (!main) {
    into.error(
      "missing-section",
      sections[0] ?? { line: 1, column: 1 },
      `the file has no section [${mainSection}]`,
      `begin it with the line [${mainSection}]`,
    );
  } else if (main.name !== mainSection) {
    into.error(
      "missing-section",
      main,
      `the file has no section [${mainSection}], but [${quoteName(main.name)}]`,
      `write [${mainSection}]`,
    );
  }
  for (const repeated of again) {
    if (main?.implied) continue;
    const message = `[${mainSection}] is given again: its keys are read as if they were below the first, on line ${main?.line ?? 1}`;
    into.warning("repeated-section", repeated, message, "delete this line");
  }
  for (const other of sections) {
    if (chosen.includes(other) || other.name === defaults || !main) continue;
    into.warning(
      "ignored-text",
      other,
      `[${quoteName(other.name)}] is not read: only [${mainSection}] counts`,
      "delete it, or make it a comment",
    );
  }
}

/** Each key once, with the value that counts. */
function effectiveEntries({ sections }: IniDocument, chosen: IniSection[], into: IniTree): IniEntry[] {
  const own = lastOfEach(
    chosen.flatMap(({ entries }) => entries),
    into,
  );
  const fallback = lastOfEach(
    sections.filter(({ name }) => name === defaults).flatMap(({ entries }) => entries),
    into,
  );
  for (const [key, entry] of fallback) if (!own.has(key)) own.set(key, entry);
  return [...own.values()];
}

function lastOfEach(entries: IniEntry[], into: IniTree): Map<string, IniEntry> {
  const last = new Map<string, IniEntry>();
  for (const entry of entries) {
    const before = last.get(entry.key);
    if (before) {
      const message = `${quoteName(entry.key)} is given again: this value counts, not the one on line ${before.line}`;
      into.warning("duplicate-key", keySpot(entry), message, "delete one of the two");
    }
    // Delete and add again, so that the order is that of the values that count.
    last.delete(entry.key);
    last.set(entry.key, entry);
  }
  return last;
}

/** Reads an entry into the tree, and returns the paths it set: none when it has no effect, or is wrong. */
function readEntry(entry: IniEntry, into: IniTree): { entry: IniEntry; path: Path }[] {
  const oldFix = oldKeyFix(entry.key);
  const form = formOf(entry.key);
  if (oldFix !== undefined) {
    into.warning("old-key", keySpot(entry), `${entry.key} is a key of old files and has no effect`, oldFix);
  } else if (isOldVersion(entry)) {
    const message = "a version of a single number is of old files and has no effect";
    into.warning("old-key", keySpot(entry), message, "delete it, or write a version such as 1.0.0");
  } else if (!form) {
    const meant = into.isFull ? undefined : suggestKey(entry.key);
    if (meant !== undefined) into.meant.add(meant);
    const fix = blankFix(entry.key) ?? (meant === undefined ? "correct it, or delete it" : `did you mean ${quoteName(meant)}?`);
    into.error("unknown-key", keySpot(entry), `${quote(entry.key)} is not a key`, fix);
  } else {
    form.read(entry, into);
    tellMisread(entry, into);
    return [{ entry, path: form.path }];
  }
  return [];
}

/** Before it was deprecated in 2010, version was a plain number, part of a directory's name. */
function isOldVersion(entry: IniEntry): boolean {
  return entry.key === "version" && /^[0-9]{1,6}$/.test(contentLines(entry)[0]?.text ?? "");
}

/** Warns where the file means something other than it seems to. */
function tellMisread(entry: IniEntry, into: IniTree): void {
  for (const [index, line] of entry.lines.entries()) {
    if (line.text.startsWith("#")) continue;
    const at = (offset: number): Spot => ({ line: line.line, column: line.column + offset });
    const name = /%\([^()%\p{Cc}]{0,64}\)s/u.exec(line.text);
    if (name) {
      into.warning(
        "interpolation",
        at(name.index),
        `${name[0]} is kept literally; in 2010 it was replaced by a value`,
        "write the value itself",
      );
    }
    const mark = line.text.startsWith(";") ? 0 : line.text.search(/[ \t]#/);
    if (mark >= 0 && !/["']/.test(line.text) && entry.key !== "config.required") {
      into.warning(
        "comment-in-value",
        at(mark === 0 ? 0 : mark + 1),
        "this does not begin a comment here: it is read as part of the value",
        "put the comment on a line of its own, without indent",
      );
    }
    const key = index > 0 ? /^([a-z][a-z_.]*)[ \t]*[:=]/i.exec(line.text)?.[1]?.toLowerCase() : undefined;
    if (key !== undefined && formOf(key)) {
      into.warning(
        "swallowed-key",
        at(0),
        `this line is indented: it continues the value of ${quoteName(entry.key)} and is not the key ${key}`,
        "remove the indent",
      );
    }
  }
}

/**
 * Includes a carriage return inside a line: old editors saw two lines where configparser saw one.
 * Not \x80 to \x9f, which are quotes and dashes of a Windows file that is read as Latin-1.
 */
const controls = /(?![\t\n\r\x80-\x9f])\p{Cc}|\r(?!\n)/u;

function tellControlCharacters(text: string, into: IniTree): void {
  const found = controls.exec(text);
  if (!found) return;
  const before = text.slice(0, found.index);
  const column = found.index - (before.lastIndexOf("\n") + 1) + (before.startsWith("\u{feff}") && !before.includes("\n") ? 0 : 1);
  const code = found[0].charCodeAt(0).toString(16).padStart(2, "0");
  const spot = { line: before.split("\n").length, column };
  into.error(
    "control-character",
    spot,
    `there is a control character here: \\x${code}`,
    "save the file as plain UTF-8 text with Unix line ends",
  );
}

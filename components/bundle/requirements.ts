import { hash } from "node:crypto";
import { dirname } from "node:path/posix";
import { error, isError, type Issue, type Parsed, type Place } from "../text/issue.ts";
import { isMarker } from "./marker.ts";

/** One pinned library of an app. */
export interface Requirement {
  /** Normalized as by indexes: lower case, `-` for each run of `-`, `_` and `.`. */
  name: string;
  /** Sorted, in the same form. */
  extras: string[];
  version: string;
  /** PEP 508 marker with single spaces, e.g. `python_version < "3.12"`; absent when it always applies. */
  marker?: string;
  /** SHA-256 in hex of each file that may be installed for it, sorted. */
  hashes: string[];
}

/** The libraries of an app, each pinned and hashed. */
export interface Requirements {
  /** Sorted by name and marker: the file's order, comments and spaces don't matter. */
  list: Requirement[];
  /** SHA-256 in hex over `list`. */
  digest: string;
}

/** Name of the file at the root of an app that lists its libraries. */
export const REQUIREMENTS_FILE = "requirements.txt";

/** Mistakes that are told one by one: there may be as many as lines. */
const mostIssues = 50;

/**
 * Reads a requirements.txt. Pure. The form is pip's (https://pip.pypa.io/en/stable/reference/requirements-file-format/), and of it only
 * `name[extras]==version [; marker] --hash=sha256:…`, with comments and continued lines: what is installed follows from this file alone.
 * @param file its path, for messages
 * @returns all issues, or the libraries; none when it has only comments
 */
export function parseRequirements(text: string, file: string): Parsed<Requirements> {
  const issues: Issue[] = [];
  const list: Requirement[] = [];
  const seen = new Map<string, { line: number; requirement: Requirement }>();
  for (const statement of statements(text)) {
    const at = { file, line: statement.line };
    if (issues.length >= mostIssues) {
      issues.push(error("bad-requirement", at, `from here on nothing was judged: ${mostIssues} mistakes came before`));
      break;
    }
    const read = readStatement(statement, file);
    issues.push(...read.issues);
    if (read.value === undefined) continue;
    const { name, marker } = read.value;
    const key = JSON.stringify([name, marker]);
    const before = seen.get(key);
    if (before === undefined) {
      seen.set(key, { line: statement.line, requirement: read.value });
      list.push(read.value);
    } else if (!addExtras(before.requirement, read.value)) {
      issues.push(error("repeated-value", at, `${name} is in line ${before.line} already`, "delete one of the two"));
    }
  }
  if (issues.some(isError) || list.length === 0) return { issues };
  list.sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1));
  const digest = hash(
    "sha256",
    JSON.stringify(list.map(({ name, extras, version, marker, hashes }) => [name, extras, version, marker ?? null, hashes])),
  );
  return { value: { list, digest }, issues };
}

/**
 * What a file pins, a library a line, whether it has hashes or not. Pure. Lines that say where libraries come from pin nothing.
 * @returns the first line that pins no version, or all that are pinned
 */
export function readPins(text: string, file: string): Parsed<string[]> {
  const pins: string[] = [];
  for (const { line, pieces } of statements(text)) {
    const [{ text: wanted } = { text: "" }] = partsOf(pieces);
    if (INDEX_OPTION.test(wanted)) continue;
    const place = { file, line };
    if (wanted.startsWith("-")) return { issues: [explainOption(place, wanted)] };
    const { value, issues } = readRequirement(wanted, place);
    if (value === undefined) return { issues };
    pins.push(renderPin(value));
  }
  return { value: pins, issues: [] };
}

/**
 * Poetry writes a library once alone, and once more with the extras that something needs of it: pip takes both for one.
 * @returns false when the two differ in more than extras, or in nothing
 */
function addExtras(one: Requirement, other: Requirement): boolean {
  const isSame = one.version === other.version && one.hashes.join() === other.hashes.join();
  if (!isSame || one.extras.join() === other.extras.join()) return false;
  one.extras = [...new Set([...one.extras, ...other.extras])].sort();
  return true;
}

/**
 * The text of a requirements.txt as pip reads it: UTF-8, or what a byte order mark says. PowerShell's `>` writes UTF-16.
 */
export function decodeRequirements(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  return bytes[0] === 0xfe && bytes[1] === 0xff ? new TextDecoder("utf-16be").decode(bytes) : bytes.toString();
}

/** The libraries as a canonical requirements.txt. */
export function renderRequirements({ list }: Requirements): string {
  return list
    .map((one) => [renderPin(one), ...one.hashes.map((hash) => `--hash=sha256:${hash}`)].join(" "))
    .map((line) => `${line}\n`)
    .join("");
}

function renderPin({ name, extras, version, marker }: Omit<Requirement, "hashes">): string {
  const wanted = `${name}${extras.length === 0 ? "" : `[${extras.join(",")}]`}==${version}`;
  return `${wanted}${marker === undefined ? "" : ` ; ${marker}`}`;
}

const sortKey = ({ name, marker = "" }: Requirement): string => `${name} ${marker}`;

/** A logical line: physical lines joined by continuations. */
interface Statement {
  /** Position of its first word. */
  line: number;
  /** Pieces, each on one line, without comments. */
  pieces: { line: number; text: string }[];
}

function statements(text: string): Statement[] {
  const all: Statement[] = [];
  let open: Statement | undefined;
  for (const [index, whole] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .entries()) {
    const bare = whole.replace(/(^|\s)#[^]*$/, "");
    const goesOn = bare === whole && bare.endsWith("\\");
    const piece = { line: index + 1, text: (goesOn ? bare.slice(0, -1) : bare).trim() };
    if (piece.text !== "") {
      if (open === undefined) all.push((open = { line: piece.line, pieces: [] }));
      open.pieces.push(piece);
    }
    if (!goesOn) open = undefined;
  }
  return all;
}

function readStatement({ line, pieces }: Statement, file: string): Parsed<Requirement> {
  const place: Place = { file, line };
  const [{ text: wanted } = { text: "" }, ...options] = partsOf(pieces);
  if (wanted.startsWith("-")) return { issues: [explainOption(place, wanted)] };
  const issues: Issue[] = [];
  const hashes = options.flatMap((option) => {
    const at = { file, line: option.line };
    const hash = /^--hash=sha256:([0-9a-f]{64})$/.exec(option.text)?.[1];
    if (hash !== undefined) return [hash];
    if (issues.length >= mostIssues) return [];
    const message = `${shown(option.text)} is not a hash: write --hash=sha256: and 64 lower-case hex digits`;
    issues.push(
      option.text.startsWith("--hash") ? error("unhashed-requirement", at, message, makeIt(at)) : explainOption(at, option.text),
    );
    return [];
  });
  const requirement = readRequirement(wanted, place);
  issues.unshift(...requirement.issues);
  if (hashes.length === 0 && issues.length === 0) {
    const message = `${shown(wanted)} has no --hash: another file of that version would be installed as well`;
    issues.push(error("unhashed-requirement", place, message, makeIt(place)));
  }
  if (requirement.value === undefined || issues.some(isError)) return { issues };
  return { value: { ...requirement.value, hashes: [...new Set(hashes)].sort() }, issues };
}

/** What a statement wants, and its options, each with the line that it begins in. */
function partsOf(pieces: Statement["pieces"]): { line: number; text: string }[] {
  // Patterns below try every way to share out a run of blanks: one of thousands would take hours.
  const texts = pieces.map(({ text }) => text.replace(/\s+/g, " "));
  let [at, index, end] = [0, 0, texts[0]?.length ?? 0];
  return texts
    .join(" ")
    .split(/ (?=--?[A-Za-z])/)
    .map((text) => {
      while (at > end && index < pieces.length - 1) end += 1 + (texts[++index]?.length ?? 0);
      at += text.length + 1;
      return { line: pieces[index]?.line ?? 0, text };
    });
}

/** The file is generated: nobody writes hashes by hand. */
const makeIt = ({ file }: Place): string =>
  `list the libraries in requirements.in, and generate the file: silver lock ${dirname(file)}`;

const NAME = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";
const WHOLE_NAME = new RegExp(`^${NAME}$`);
const FIRST_NAME = new RegExp(`^${NAME}`);
const WANTED = new RegExp(`^(${NAME})\\s*(?:\\[([^\\]]*)\\])?\\s*(?:==\\s*([^\\s;,=]+))?\\s*(?:;\\s*(.*))?$`);
/** PEP 440: epoch, release, pre, post, dev, local. */
const VERSION =
  /^(?:\d+!)?\d+(?:\.\d+)*(?:[._-]?(?:a|b|c|rc|alpha|beta|pre|preview)[._-]?\d*)?(?:(?:[._-]?(?:post|rev|r)[._-]?\d*)|-\d+)?(?:[._-]?dev[._-]?\d*)?(?:\+[a-z0-9]+(?:[._-][a-z0-9]+)*)?$/i;

function readRequirement(wanted: string, place: Place): Parsed<Omit<Requirement, "hashes">> {
  if (isElsewhere(wanted)) {
    const message = `${shown(wanted)} names a place, but libraries come only from the package index`;
    return { issues: [error("requirement-option", place, message, "pin a released version, or vendor it into lib/python")] };
  }
  const [, name, extras = "", version, marker] = WANTED.exec(wanted) ?? [];
  const parts = extras.split(",").map((extra) => extra.trim());
  if (name === undefined || (extras.trim() !== "" && parts.some((extra) => !WHOLE_NAME.test(extra)))) {
    const bare = FIRST_NAME.exec(wanted)?.[0];
    if (bare !== undefined && /^\s*(?:\[[^\]]*\])?\s*(?:[<>!~]=?|===?|\(|,)/.test(wanted.slice(bare.length)))
      return unpinned(wanted, place);
    const message = `${shown(wanted)} is not a requirement`;
    return { issues: [error("bad-requirement", place, message, "write name==version, then its hashes")] };
  }
  if (version === undefined || !VERSION.test(version)) return unpinned(wanted, place);
  if (marker !== undefined && !isMarker(marker)) {
    const message = `${shown(marker)} is not a marker`;
    return { issues: [error("bad-requirement", place, message, 'write it as python_version < "3.12"')] };
  }
  const value = {
    name: canonicalName(name),
    extras: extras.trim() === "" ? [] : [...new Set(parts.map(canonicalName))].sort(),
    version: version.toLowerCase(),
    ...(marker === undefined ? {} : { marker: marker.trim().replace(/\s+/g, " ") }),
  };
  return { value, issues: [] };
}

function unpinned(wanted: string, place: Place): Parsed<never> {
  const message = `${shown(wanted)} is not pinned to one version by ==`;
  return { issues: [error("unpinned-requirement", place, message, makeIt(place))] };
}

/** URLs, version control, archives and directories. */
export function isElsewhere(wanted: string): boolean {
  return /^[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?\s*@|:\/\/|^\.{0,2}[/\\]|^\.{1,2}$|^[A-Za-z]:\\|\.(?:whl|zip|tar\.\w+|tgz)$/.test(
    wanted.replace(/;.*/, "").trim(),
  );
}

/** Options that say where libraries come from. */
const INDEX_OPTION = /^(?:-i|-f|--(?:index-url|extra-index-url|no-index|find-links|trusted-host))(?:[\s=]|$)/;

function explainOption(place: Place, option: string): Issue {
  const [name = ""] = option.split(/[\s=]/);
  if (/^(?:-e|--editable|-r|--requirement|-c|--constraint)/.test(name)) {
    const message = `${name} names another place, but only this file says what is installed`;
    return error("requirement-option", place, message, "write each library here, or vendor it into lib/python");
  }
  if (INDEX_OPTION.test(name)) {
    const message = `${name} names an index, but the machine that deploys decides on that`;
    return error(
      "requirement-option",
      place,
      message,
      "delete the line; UV_DEFAULT_INDEX or pip's index-url names the index there",
    );
  }
  return error("requirement-option", place, `${shown(name)} is not an option here: only --hash is`, "delete it");
}

const canonicalName = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, "-");

/** At most 60 characters, with control characters escaped, and without the credentials of a URL. */
function shown(text: string): string {
  const open = text.replace(/\/\/[^/@\s]*@/g, "//…@");
  return JSON.stringify(open.length > 60 ? `${open.slice(0, 60)}…` : open).replaceAll("\u007f", "\\u007f");
}

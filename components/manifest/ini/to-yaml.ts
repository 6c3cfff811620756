import { printable } from "../../text/printable.ts";
import { Document, isMap, isScalar, isSeq, Scalar, visit, type Node, type Pair } from "yaml";
import type { Converted } from "./to-ini.ts";
import { fieldRules } from "../../text/schema/fields.ts";
import type { IniDocument, IniEntry } from "../../text/ini-document.ts";
import { parseIniManifest, mainSection, type IniManifest } from "./read.ts";
import type { Path } from "../../text/source.ts";
import { isError } from "../../text/issue.ts";
import { fieldAt } from "../../text/schema/walk.ts";
import { manifestSchema } from "../schema.ts";

/** The app.yaml that means the same as an app.ini; comments and unread entries are placed before their key. */
export function convertToYaml(text: string, file: string): Converted {
  const manifest = parseIniManifest(text, file);
  const { source } = manifest;
  if (source.issues.some(isError)) return { issues: source.issues };
  const document = new Document(source.tree);
  visit(document, {
    Scalar: (key, node, ancestors) => {
      if (key === "key") setQuotes(node);
      else setForm(node, pathOf(ancestors, node));
    },
  });
  placeComments(document, text.split("\n"), manifest);
  return { text: document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Infinity }), issues: source.issues };
}

/** Gives a value the type that the schema wants, and quotes it if a reader could take it for something other than text. */
function setForm(node: Scalar, path: Path): void {
  const { value } = node;
  const field = fieldAt(manifestSchema, path);
  const code = field && fieldRules.get(field)?.code;
  if (code === "bad-count" && typeof value === "string" && String(Number(value)) === value) node.value = Number(value);
  else if (code === "bad-switch" && (value === "true" || value === "false")) node.value = value === "true";
  else setQuotes(node);
}

function setQuotes(node: Scalar): void {
  if (typeof node.value === "string" && !isPlain(node.value)) node.type = Scalar.QUOTE_DOUBLE;
}

/** Whether every YAML reader reads the unquoted text as that text. Cautious rather than complete. */
function isPlain(text: string): boolean {
  if (/^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i.test(text)) return false;
  return /^(?:[A-Za-z_/][A-Za-z0-9_./:@+-]*(?: [A-Za-z0-9_./@+-]+)*(?<!:)|[0-9]+[smhdKMG]|[0-9]+\.[0-9]+\.[0-9]+(?:-[a-z0-9.]+)?)$/.test(
    text,
  );
}

/** Path of a scalar, from the pairs and lists around it. */
function pathOf(ancestors: readonly (Document | Node | Pair)[], node: Node): Path {
  const chain = [...ancestors, node];
  return chain.flatMap((each, index): (string | number)[] => {
    if (isSeq(each)) return [each.items.indexOf(chain[index + 1])];
    return "key" in each && isScalar(each.key) ? [String(each.key.value)] : [];
  });
}

/** Something to keep, on a line of app.ini. */
interface Remark {
  line: number;
  text: string;
}

/** Puts each comment and each unread entry before the key that follows it. */
function placeComments(document: Document, lines: string[], manifest: IniManifest): void {
  const remarks = remarksOf(manifest).sort((one, other) => one.line - other.line);
  const targets = manifest.entries
    .flatMap(({ entry, path }) => {
      const key = keyNodeAt(document, path);
      return key ? [{ key, entry }] : [];
    })
    .sort((one, other) => one.entry.line - other.entry.line);
  const head = manifest.document.sections[0]?.line ?? 0;
  document.commentBefore = joined(remarks.filter(({ line }) => line <= head));
  let before = head;
  for (const { key, entry } of targets) {
    const until = entry.lines.at(-1)?.line ?? entry.line;
    const own = remarks.filter(({ line }) => line > before && line <= until);
    // The first key below another shares its node.
    key.commentBefore = joined(own, key.commentBefore ?? undefined);
    const begin = Math.min(entry.line, own[0]?.line ?? entry.line);
    if (before !== head && (lines[begin - 2] ?? "x").trim() === "") key.spaceBefore = true;
    before = until;
  }
  document.comment = joined(remarks.filter(({ line }) => line > before));
}

/** Separate comments, comments within values, and entries without effect, each as comment text without its mark. */
function remarksOf({ document, entries }: IniManifest): Remark[] {
  const read = new Set(entries.map(({ entry }) => entry));
  const all = document.sections.flatMap((section) => section.entries);
  return [
    ...document.comments.map(({ line, text }) => ({ line, text: text.replace(/^(?:[#;]|rem)/i, "") })),
    ...otherSections(document),
    ...all.filter((entry) => !read.has(entry)).flatMap(unreadLines),
    ...[...read].flatMap(commentLines),
  ];
}

function otherSections({ sections }: IniDocument): Remark[] {
  const [main] = sections.filter(({ name }) => name === mainSection);
  return sections.filter((section) => section !== main).map(({ line, name }) => ({ line, text: ` [${name}]` }));
}

function unreadLines(entry: IniEntry): Remark[] {
  return entry.lines.map(({ line, text }, index) => ({
    line,
    text: index === 0 ? ` ${entry.key} = ${text}`.trimEnd() : `     ${text}`,
  }));
}

function commentLines(entry: IniEntry): Remark[] {
  return entry.lines.filter(({ text }) => text.startsWith("#")).map(({ line, text }) => ({ line, text: text.slice(1) }));
}

/** A comment of several lines; an empty one would become a blank line, so it gets a blank. */
function joined(remarks: Remark[], before?: string): string | null {
  const lines = [...(before === undefined ? [] : [before]), ...remarks.map(({ text }) => (text === "" ? " " : shown(text)))];
  return lines.length > 0 ? lines.join("\n") : null;
}

/** Whatever a stranger wrote there goes to a terminal, and may be no control character in YAML. */
const shown = (text: string): string => printable(`#${text}`).slice(1);

/** The key of the pair at a path; of the first pair of a map that has no line of its own, such as services, that map's key. */
function keyNodeAt(document: Document, path: Path): Scalar | undefined {
  let node: unknown = document.contents;
  let key: Scalar | undefined;
  for (const step of path) {
    if (!isMap(node)) return undefined;
    const index = node.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === step);
    const pair = node.items[index];
    if (!pair) return undefined;
    if (!key || index > 0) key = pair.key as Scalar;
    node = pair.value;
  }
  return key;
}

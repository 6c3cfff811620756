import { LineCounter } from "yaml";
import { misreadBlank } from "./blanks.ts";
import { error, type Place } from "./issue.ts";
import { quotePath } from "./quote.ts";
import type { Source } from "./source.ts";
import { parseYamlDocument, type YamlFault } from "./yaml-document.ts";
import { YamlTree } from "./yaml-tree.ts";

/**
 * Reads a YAML text into a plain tree, with positions.
 * Refused here, each with its position: bad syntax, tabs, control characters, more than one document, duplicate keys,
 * anchors, aliases, merge keys, tags, deep nesting, and unquoted words that another reader would read differently.
 */
export function readYaml(text: string, file: string): Source {
  const body = text.replace(/^\uFEFF/, "");
  // Not by the parser: where the syntax is wrong it misses lines.
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const { index } of body.matchAll(/\n/g)) lines.addNewLine(index + 1);
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const issueOf = (fault: YamlFault) => {
    const { offset, message, fix } = (fault.code === "yaml-syntax" ? misreadBlank(body, fault.offset) : undefined) ?? fault;
    return error(fault.code, placeAt(offset), message, fix);
  };
  const document = controlCharacter(body) ?? parseYamlDocument(body);
  if ("code" in document) return { tree: undefined, placeOf: () => placeAt(0), nameOf: quotePath, issues: [issueOf(document)] };
  const made = new YamlTree(document.contents);
  return {
    // An alias's value is unknown here: validating the rest would only raise false alarms.
    tree: made.faults.some(({ code }) => code === "alias") ? undefined : made.tree,
    placeOf: (path, what) => placeAt(made.offsetOf(path, what)),
    nameOf: quotePath,
    writtenOf: (path) => made.writtenOf(path),
    issues: made.faults.map(issueOf),
  };
}

/** The first character that YAML does not allow, such as a carriage return inside a line. */
function controlCharacter(text: string): YamlFault | undefined {
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  const offset = text.search(/[\0-\x08\v\f\x0e-\x1f\x7f]|\r(?!\n)/);
  if (offset < 0) return undefined;
  const code = text.charCodeAt(offset).toString(16).padStart(2, "0");
  return {
    code: "control-character",
    offset,
    message: `there is a control character here: \\x${code}`,
    fix: "save the file as plain UTF-8 text with Unix line ends",
  };
}

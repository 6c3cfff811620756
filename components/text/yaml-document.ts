import { Composer, Lexer, Parser, type CST, type Document, type ErrorCode, type YAMLError } from "yaml";
import type { Code } from "./code.ts";

/** What is wrong with a text as YAML. */
export interface YamlFault {
  code: Code;
  /** Index of the character. */
  offset: number;
  message: string;
  fix: string;
}

/** Maps and lists nest at most this deep; no key needs more than five. */
const DEPTH_MAX = 16;

const OPTIONS = {
  schema: "core",
  version: "1.2",
  merge: false,
  uniqueKeys: false,
  stringKeys: true,
  resolveKnownTags: false,
} as const;

/**
 * The only document of a YAML 1.2 text, or its first fault: later faults usually follow from the first.
 * Time is linear in the text.
 */
export function parseYamlDocument(text: string): Document.Parsed | YamlFault {
  const tokens = readTokens(text);
  if (!Array.isArray(tokens)) return tokens;
  // A broken text can have thousands of faults, and each one's stack trace costs five times as much as the rest.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const [document] = new Composer({ ...OPTIONS }).compose(tokens, true, text.length);
  Error.stackTraceLimit = stackTraceLimit;
  if (document === undefined) throw new Error("yaml gave no document, though it was told to");
  const [first] = [...document.errors, ...document.warnings].sort(byPosition);
  return first === undefined ? document : faultOf(first, tokens, text);
}

/** Of two faults at one place, the one that says more about it first. */
function byPosition(one: YAMLError, other: YAMLError): number {
  return (
    one.pos[0] - other.pos[0] || Number(other.code === "MULTILINE_IMPLICIT_KEY") - Number(one.code === "MULTILINE_IMPLICIT_KEY")
  );
}

function faultOf({ code, pos: [from, to] }: YAMLError, tokens: CST.Token[], text: string): YamlFault {
  const open =
    code === "BAD_INDENT" || code === "MISSING_CHAR" ? tokens.map(unclosed).find((offset) => offset !== undefined) : undefined;
  if (open !== undefined) {
    return {
      offset: open,
      ...syntax(
        `the ${text.charAt(open)} that opens here is never closed`,
        "close it; a text that contains one needs quotes of the other kind",
      ),
    };
  }
  const lastLine = text.lastIndexOf("\n", to - 1) + 1;
  const isSecond = code === "MULTILINE_IMPLICIT_KEY" && lastLine > from;
  return { offset: isSecond ? lastLine + text.slice(lastLine).search(/\S/) : from, ...saidOf(code) };
}

/** Offset of its first unclosed quote or bracket. */
function unclosed(token: CST.Token): number | undefined {
  if (token.type === "flow-collection" && token.end.length === 0) return token.start.offset;
  if (token.type === "double-quoted-scalar" || token.type === "single-quoted-scalar") {
    return isClosed(token.source) ? undefined : token.offset;
  }
  if (token.type === "document") return token.value && unclosed(token.value);
  if (!("items" in token)) return undefined;
  const parts = token.items.flatMap((item) => [item.key, item.value]);
  return parts.map((part) => (part ? unclosed(part) : undefined)).find((offset) => offset !== undefined);
}

/** Whether a quoted text ends with the quote it began with; in double quotes, \\" doesn't end it. */
function isClosed(source: string): boolean {
  const quote = source.charAt(0);
  const body = source.slice(1);
  return quote === "'" ? /^(?:[^']|'')*'$/.test(body) : /^(?:[^"\\]|\\[^])*"$/.test(body);
}

function readTokens(text: string): CST.Token[] | YamlFault {
  const tokens: CST.Token[] = [];
  let documents = 0;
  const take = (token: CST.Token): YamlFault | undefined => {
    tokens.push(token);
    if (token.type === "directive") return { offset: token.offset, ...DIRECTIVE };
    if (token.type === "document") documents += 1;
    return documents > 1 && token.type === "document" ? { offset: token.offset, ...SECOND } : undefined;
  };
  const parser = new Parser();
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    // The parser has its own stack, but the composer recurses: stop here at what is too deep for it.
    if (parser.stack.length > DEPTH_MAX + 2) return { offset, ...TOO_DEEP };
    for (const token of parser.next(lexeme)) {
      const fault = take(token);
      if (fault) return fault;
    }
    // Ignore everything after the first piece that fits nowhere.
    if (tokens.at(-1)?.type === "error") break;
    offset = parser.offset;
  }
  for (const token of parser.end()) {
    const fault = take(token);
    if (fault) return fault;
  }
  return tokens;
}

type Said = Omit<YamlFault, "offset">;

const TOO_DEEP: Said = {
  code: "too-deep",
  message: `maps and lists nest deeper than ${DEPTH_MAX} levels here`,
  fix: "remove the nesting: no key needs it",
};
const DIRECTIVE: Said = {
  code: "yaml-syntax",
  message: "a line that begins with % is a YAML directive, which can't be used here",
  fix: "delete the line",
};
const SECOND: Said = {
  code: "yaml-syntax",
  message: "a second document begins here, and the file holds one",
  fix: "delete the line ---, or one of the two documents",
};
const TAG: Said = {
  code: "yaml-tag",
  message: "this is a tag (!…), and tags are not used",
  fix: "delete it; a text that begins with ! needs quotes",
};

const syntax = (message: string, fix: string): Said => ({ code: "yaml-syntax", message, fix });

function saidOf(code: ErrorCode): Said {
  switch (code) {
    case "TAB_AS_INDENT":
      return { code: "yaml-tab", message: "this is a tab, and YAML is indented by spaces", fix: "replace it with spaces" };
    case "TAG_RESOLVE_FAILED":
    case "MULTIPLE_TAGS":
    case "BAD_COLLECTION_TYPE":
      return TAG;
    case "BAD_ALIAS":
    case "ALIAS_PROPS":
    case "MULTIPLE_ANCHORS":
      return {
        code: "alias",
        message: "* or & begins an alias or an anchor in YAML, and these are not used",
        fix: 'a text that begins with * or & needs quotes: "*"',
      };
    case "BAD_SCALAR_START":
      return syntax("a text can't begin with this character in YAML", "put the text in quotes");
    case "BAD_DQ_ESCAPE":
      return syntax(
        "the backslash here does not begin an escape that YAML knows",
        "write \\\\ for a backslash, or use single quotes",
      );
    case "BAD_INDENT":
      return syntax(
        "this line is indented neither like the keys above nor like the map that contains them",
        "indent all keys of one map alike, by spaces",
      );
    case "BLOCK_AS_IMPLICIT_KEY":
      return syntax(
        "there is a second key on this line",
        "put each key on a line of its own; a text with a colon and a blank needs quotes",
      );
    case "BLOCK_IN_FLOW":
      return syntax(
        "a key or item of a block is between brackets",
        "separate what is in [ ] or { } by commas, or leave out the brackets",
      );
    case "MULTILINE_IMPLICIT_KEY":
    case "KEY_OVER_1024_CHARS":
      return syntax(
        "this line is indented below one that already has a value",
        "remove the indent, or leave nothing after the colon above",
      );
    case "NON_STRING_KEY":
      return syntax("a map, list or alias is where a key should be", "write a text as key");
    case "MISSING_CHAR":
      return syntax(
        "a colon or comma is missing here",
        "put a colon and a blank after each key, and commas between what is in brackets",
      );
    case "BAD_DIRECTIVE":
      return DIRECTIVE;
    case "MULTIPLE_DOCS":
      return SECOND;
    case "BAD_PROP_ORDER":
    case "DUPLICATE_KEY":
    case "IMPOSSIBLE":
    case "RESOURCE_EXHAUSTION":
    case "UNEXPECTED_TOKEN":
      return syntax(
        "the text is not valid YAML here",
        "look for a quote, bracket or colon too many on this line or the line above",
      );
  }
}

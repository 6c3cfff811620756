import { error, type Issue, type Parsed } from "../text/issue.ts";
import { quote } from "../text/quote.ts";

/** A Tempita template, as far as it is supported: text with variables. */
export interface TemplateText {
  /** Literal text, and names of variables. */
  parts: (string | { variable: string })[];
  /** Variable → default value. */
  defaults: Record<string, string>;
}

/** Mistakes that are told: there may be as many as the text has words. */
const mostIssues = 50;

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const DEFAULT = /^default[ \t]+([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*(?:"([^"\\]*)"|'([^'\\]*)'|(-?[0-9]+(?:\.[0-9]+)?))$/;

/**
 * Reads a template as Silver Lining's `create-config` filled it by Tempita: `{{variable}}`, and `{{default variable = value}}`,
 * which removes its line. https://pypi.org/project/Tempita/ has more statements; those are refused by name.
 * @param file its path, relative to the project's root
 */
export function parseTemplate(text: string, file: string): Parsed<TemplateText> {
  const template: TemplateText = { parts: [], defaults: {} };
  const issues: Issue[] = [];
  const lines = new Lines(text);
  let from = 0;
  for (let open = text.indexOf("{{"); open !== -1 && issues.length < mostIssues; open = text.indexOf("{{", from)) {
    const close = text.indexOf("}}", open);
    const end = close === -1 ? text.length : close + 2;
    const inner = text.slice(open + 2, close === -1 ? text.length : close).trim();
    const [, name, double, single, number] = DEFAULT.exec(inner) ?? [];
    const whole = name === undefined ? undefined : lines.around(open, end);
    const before = text.slice(from, whole?.start ?? open);
    if (before !== "") template.parts.push(before);
    from = whole?.end ?? end;
    if (name !== undefined) template.defaults[name] = double ?? single ?? number ?? "";
    else if (close !== -1 && VARIABLE.test(inner) && !STATEMENTS.has(inner)) template.parts.push({ variable: inner });
    else issues.push(refuse(text, file, open, close === -1 ? undefined : inner));
  }
  if (from < text.length) template.parts.push(text.slice(from));
  return issues.length > 0 ? { issues } : { value: template, issues };
}

/** The text of a template; every variable has a value. */
export function fillTemplate({ parts }: TemplateText, values: ReadonlyMap<string, string>): string {
  return parts.map((part) => (typeof part === "string" ? part : (values.get(part.variable) ?? ""))).join("");
}

/** Tempita's statements, by their first word. */
const STATEMENTS = new Set([
  "if",
  "elif",
  "else",
  "endif",
  "for",
  "endfor",
  "continue",
  "break",
  "def",
  "enddef",
  "inherit",
  "default",
  "py",
]);

function refuse(text: string, file: string, open: number, inner: string | undefined): Issue {
  const before = text.slice(0, open).split("\n");
  const place = { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  const say = (message: string, fix: string) => error("template-statement", place, message, fix);
  if (inner === undefined) return say("{{ is not closed", "close it by }}");
  const [, word = ""] = /^([a-z]+)/.exec(inner) ?? [];
  if (word === "default") return say(`${quote(inner)} is not a plain default`, 'write {{default name = "value"}}');
  if (inner.startsWith("#")) return say("a comment of Tempita is not understood", "delete it");
  const what = STATEMENTS.has(word)
    ? `the statement ${word} of Tempita`
    : `${quote(inner)}, which is not the name of a variable,`;
  return say(`${what} is not understood`, "write {{variable}}, and compute everything else in the app");
}

/** The lines of a text, asked for from its begin to its end, so that none is searched through twice. */
class Lines {
  readonly #text: string;
  #start = 0;
  #end = -1;
  /** The first character of the line that is no blank. */
  #ink = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The whole line, if it has only what is between `open` and `end`; undefined otherwise. */
  around(open: number, end: number): { start: number; end: number } | undefined {
    while (this.#end < open) {
      this.#start = this.#end + 1;
      this.#end = this.#after(/\n/g, this.#start);
      this.#ink = this.#after(/\S/g, this.#start);
    }
    if (this.#ink < open) return undefined;
    const next = this.#after(/\n/g, end);
    const stop = Math.min(next + 1, this.#text.length);
    return this.#after(/\S/g, end) >= next ? { start: this.#start, end: stop } : undefined;
  }

  /** Where a pattern matches first from a place on; the text's end when nowhere. */
  #after(pattern: RegExp, place: number): number {
    pattern.lastIndex = place;
    return pattern.exec(this.#text)?.index ?? this.#text.length;
  }
}
